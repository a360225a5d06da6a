// Drives the gateway with the real OpenAI SDK for Node.js; prints one JSON object with what it saw.
import OpenAI from "openai";

const [baseURL, apiKey, model] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
const messages = [{ role: "user", content: "Hi" }];
const seen = {};

const whole = await client.chat.completions.create({ model, messages });
seen.whole = whole.choices[0].message.content;

seen.streamed = "";
const stream = await client.chat.completions.create({ model, messages, stream: true });
for await (const chunk of stream) seen.streamed += chunk.choices[0]?.delta?.content ?? "";

const helper = client.chat.completions.stream({ model, messages, stream_options: { include_usage: true } });
seen.final = (await helper.finalChatCompletion()).choices[0].message.content;
seen.usage = (await helper.totalUsage()).total_tokens;

seen.models = (await client.models.list()).data.map((entry) => entry.id);

// A stream that merely drops is read back from Z.AI, so that nothing is broken.
const fault = model.startsWith("GLM") ? "error_after_text" : "truncated";
try {
  const broken = await client.chat.completions.create({
    model, stream: true, messages: [{ role: "user", content: `Hi\n!sandbox fault=${fault}` }],
  });
  for await (const chunk of broken) void chunk;
  seen.broken = "no error";
} catch (error) {
  seen.broken = error.constructor.name;
}
try {
  await client.chat.completions.create({ model: "no-such-model", messages });
} catch (error) {
  seen.unknown = [error.status, error.code, Boolean(error.requestID)];
}
console.log(JSON.stringify(seen));
