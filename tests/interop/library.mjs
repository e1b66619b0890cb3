// The providers' own libraries from npm. A job a line in, an answer a line out; `run` says what a job is, and copies this
// file to where it installed them.
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

const versionOf = (name) =>
  JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url))).version;

// Of each: `verify` throws or gives false where it refuses; `sign` gives headers.
const unbranded = async (name, prefix) => {
  const { Webhook } = await import(name);
  return {
    verify: ({ secret, headers, body }) => new Webhook(secret).verify(body, headers) !== false,
    sign: ({ secret, id, time, body }) => ({
      [`${prefix}-id`]: id,
      [`${prefix}-timestamp`]: `${time}`,
      [`${prefix}-signature`]: new Webhook(secret).sign(id, new Date(time * 1000), body),
    }),
  };
};

const makers = {
  standardwebhooks: () => unbranded("standardwebhooks", "webhook"),
  svix: () => unbranded("svix", "svix"),
  stripe: async () => {
    const { default: Stripe } = await import("stripe");
    const { webhooks } = new Stripe("sk_test_of_no_account");
    return {
      verify: ({ secret, headers, body }) =>
        // What it makes of the body is another matter: a delivery of ours is no event of theirs.
        webhooks.signature.verifyHeader(body, headers["stripe-signature"], secret, 300),
      sign: ({ secret, time, body }) => ({
        "stripe-signature": webhooks.generateTestHeaderString({ payload: body, secret, timestamp: time }),
      }),
    };
  },
  "@octokit/webhooks-methods": async () => {
    const { sign, verify } = await import("@octokit/webhooks-methods");
    return {
      verify: ({ secret, headers, body }) => verify(secret, body, headers["x-hub-signature-256"]),
      sign: async ({ secret, body }) => ({ "x-hub-signature-256": await sign(secret, body) }),
    };
  },
  "@slack/bolt": async () => {
    const { verifySlackRequest } = await import("@slack/bolt");
    return {
      verify: ({ secret, headers, body }) => {
        verifySlackRequest({ signingSecret: secret, body, headers });
        return true;
      },
      // It cannot sign: as its `receivers/verify-request` computes what it compares with.
      sign: ({ secret, time, body }) => ({
        "x-slack-request-timestamp": `${time}`,
        "x-slack-signature": `v0=${createHmac("sha256", secret).update(`v0:${time}:${body}`).digest("hex")}`,
      }),
    };
  },
};

const made = new Map();
const answer = async ({ library, act, ...job }) => {
  if (!made.has(library)) made.set(library, await makers[library]());
  const one = made.get(library);
  if (act === "load") return { version: versionOf(library) };
  if (act === "sign") return { headers: await one.sign(job) };
  try {
    return { accepted: (await one.verify(job)) === true };
  } catch (error) {
    return { accepted: false, said: `${error.name}: ${error.message}`.split("\n")[0] };
  }
};

for await (const line of createInterface({ input: process.stdin })) {
  let told;
  try {
    told = await answer(JSON.parse(line));
  } catch (error) {
    told = { error: `${error.name}: ${error.message}`.split("\n")[0] };
  }
  process.stdout.write(`${JSON.stringify(told)}\n`);
}
