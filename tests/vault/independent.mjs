// A reader of vault files in another language, from docs/vault-format.md alone. Node's own crypto has no Argon2id in
// every version, so it opens raw keys, scrypt and PBKDF2.  node independent.mjs FILE < KEY  prints the records as JSON.
import crypto from "node:crypto";
import fs from "node:fs";

const dec = (text) => Buffer.from(text, "base64url");
const hkdf = (key, info, salt = Buffer.alloc(0)) => Buffer.from(crypto.hkdfSync("sha256", key, salt, info, 32));
const framed = (...parts) =>
  Buffer.concat(
    parts.flatMap((part) => {
      const data = Buffer.isBuffer(part) ? part : Buffer.from(String(part));
      const size = Buffer.alloc(8);
      size.writeBigUInt64BE(BigInt(data.length));
      return [size, data];
    }),
  );
const compact = (value) => {
  if (Array.isArray(value)) return `[${value.map(compact).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const names = Object.keys(value).sort();
  return `{${names.map((name) => `${JSON.stringify(name)}:${compact(value[name])}`).join(",")}}`;
};
const open = (key, nonce, sealed, aad) => {
  const cipher = crypto.createDecipheriv("aes-256-gcm", key, dec(nonce));
  const data = dec(sealed);
  cipher.setAAD(aad);
  cipher.setAuthTag(data.subarray(-16));
  return JSON.parse(Buffer.concat([cipher.update(data.subarray(0, -16)), cipher.final()]).toString());
};
const kek = (text, kdf, vaultId) => {
  if (kdf === null) return hkdf(dec(text), "gateway-vault/kek/v1", vaultId);
  const [words, salt] = [Buffer.from(text.normalize("NFC")), dec(kdf.salt)];
  if (kdf.name === "pbkdf2-sha256") return crypto.pbkdf2Sync(words, salt, kdf.rounds, 32, "sha256");
  return crypto.scryptSync(words, salt, 32, { N: kdf.n, r: kdf.r, p: kdf.p, maxmem: 256 * kdf.n * kdf.r });
};

const key = fs.readFileSync(0, "utf8").trim();
const text = fs.readFileSync(process.argv[2], "utf8");
const file = JSON.parse(text);
const vaultId = dec(file.vault_id);
const slot = file.slots.find((slot) => hkdf(kek(key, slot.kdf, vaultId), "commit").subarray(0, 16).equals(dec(slot.commit)));
const slotAad = framed("gateway-vault/slot", 1, vaultId, slot.id, slot.kind, compact(slot.kdf));
const ring = open(kek(key, slot.kdf, vaultId), slot.nonce, slot.wrapped, slotAad);
const terms = Object.keys(ring).map(Number);
const { seal, ...rest } = file;
const sealKey = hkdf(dec(ring[Math.max(...terms)]), "seal", vaultId);
const made = crypto.createHmac("sha256", sealKey).update(framed("gateway-vault/seal", compact(rest))).digest();
if (!crypto.timingSafeEqual(made, dec(seal)) || compact(file) + "\n" !== text) throw new Error("seal");
const found = Object.entries(file.records).map(([id, record]) => {
  const aad = framed("gateway-vault/rec", 1, vaultId, id, record.provider, record.term, record.rev);
  const plain = open(dec(ring[record.term]), record.nonce, record.ct, aad);
  const info = framed("gateway-vault/record-id", record.provider, plain.account);
  if (!hkdf(dec(ring[Math.min(...terms)]), info, vaultId).subarray(0, 16).equals(dec(id))) throw new Error("record id");
  return { provider: record.provider, account: plain.account, rev: record.rev, material: plain.material };
});
console.log(JSON.stringify(found));
