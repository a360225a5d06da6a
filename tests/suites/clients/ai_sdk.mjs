// The Vercel AI SDK with its providers for these forms (`openai` is its default, Responses): a tool of two steps, and a
// structured answer.
//
//   node ai_sdk.mjs BASE_URL MODEL…      the key stands in SUITE_KEY
//
// Says what report.py says: one JSON line a case.

import { randomBytes } from "node:crypto";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(process.env.SUITE_NODE + "/package.json");
const load = (name) => import(pathToFileURL(require.resolve(name)).href);
const { generateText, streamText, Output, stepCountIs, tool } = await load("ai");
const { createOpenAI } = await load("@ai-sdk/openai");
const { createOpenAICompatible } = await load("@ai-sdk/openai-compatible");
const { z } = await load("zod");

const [baseURL, ...models] = process.argv.slice(2);
const apiKey = process.env.SUITE_KEY;
const CITY = "Lisbon";
const WEATHER = `What is the weather in ${CITY}? Use get_weather, then tell me exactly what it said.`;
const DESCRIBE = `Describe a city. The name is ${CITY}, the country is Portugal, the population is 545796.`;
const City = z.object({ name: z.string(), country: z.string(), population: z.number().int() });

const compatible = createOpenAICompatible({ name: "gateway", baseURL, apiKey, supportsStructuredOutputs: true, includeUsage: true });
const openai = createOpenAI({ baseURL, apiKey });
const PROVIDERS = { "openai-compatible": (name) => compatible(name), "openai.chat": (name) => openai.chat(name), openai: (name) => openai(name) };

const check = (good, words) => {
  if (!good) throw new Error(words);
};

async function toolTask(model, streamed) {
  const word = `fog-${randomBytes(4).toString("hex")}`;
  const asked = [];
  const get_weather = tool({
    description: "The weather in a city.",
    inputSchema: z.object({ city: z.string() }),
    execute: async ({ city }) => {
      asked.push(city);
      return `${city}: 17 degrees, ${word}.`;
    },
  });
  const request = { model, prompt: WEATHER, tools: { get_weather }, stopWhen: stepCountIs(4), maxRetries: 0, onError: () => {} };
  let text;
  if (streamed) {
    const done = streamText(request);
    for await (const part of done.fullStream) if (part.type === "error") throw part.error;
    text = await done.text;
  } else {
    text = (await generateText(request)).text;
  }
  check(asked.length === 1 && asked[0] === CITY, `the tool was called with ${JSON.stringify(asked)}`);
  check(text.includes(word), `the answer has not what the tool said: ${JSON.stringify(text)}`);
}

async function structuredTask(model, streamed) {
  const request = { model, prompt: DESCRIBE, output: Output.object({ schema: City }), maxRetries: 0, onError: () => {} };
  let city;
  if (streamed) {
    const done = streamText(request);
    for await (const part of done.fullStream) if (part.type === "error") throw part.error;
    city = await done.output;
  } else {
    city = (await generateText(request)).output;
  }
  check(City.safeParse(city).success && city.name === CITY, `the answer is ${JSON.stringify(city)}`);
}

for (const name of models) {
  for (const [way, make] of Object.entries(PROVIDERS)) {
    for (const [task, run] of [["tool", toolTask], ["structured", structuredTask]]) {
      for (const mode of ["whole", "stream"]) {
        const line = { model: name, task: `${task}:${way}`, mode, passed: true, detail: "" };
        try {
          await run(make(name), mode === "stream");
        } catch (error) {
          console.error(error);
          Object.assign(line, { passed: false, detail: String(error.message ?? error).slice(0, 600) });
        }
        console.log(JSON.stringify(line));
      }
    }
  }
}
