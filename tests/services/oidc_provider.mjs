// A real OpenID provider (oidc-provider, certified by the OpenID Foundation) for tests. Who signs in next, and how
// surely, is said beforehand at /become; the pages a person would click through answer by themselves.
// node oidc_provider.mjs REDIRECT_URI [REDIRECT_URI...]: prints its issuer, ends with its standard input.
import http from "node:http";
import { createRequire } from "node:module";
import { generateKeyPairSync } from "node:crypto";
import { pathToFileURL } from "node:url";

const require = createRequire(new URL("../../web/package.json", import.meta.url));
const { default: Provider } = await import(pathToFileURL(require.resolve("oidc-provider")).href);

const people = {
  anna: { name: "Anna Rossi", email: "anna@comune.example", email_verified: true, groups: ["registry-stewards", "all"] },
  bruno: { name: "Bruno Neri", email: "bruno@comune.example", email_verified: false, groups: [] },
  carla: { name: "Carla Bianchi", email: "carla@comune.example", email_verified: true, groups: ["all"] },
};
let next = { account: "anna", acr: "https://www.spid.gov.it/SpidL1" };
const key = (kid) => ({ ...generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" }), kid, use: "sig", alg: "RS256" });

const server = http.createServer();
await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
const issuer = `http://127.0.0.1:${server.address().port}`;
const provider = new Provider(issuer, {
  clients: [
    {
      client_id: "arengo",
      client_secret: "a secret/with+signs",
      redirect_uris: process.argv.slice(2),
      post_logout_redirect_uris: process.argv.slice(2).map((uri) => new URL("/login", uri).href),
      response_types: ["code"],
      grant_types: ["authorization_code"],
      token_endpoint_auth_method: "client_secret_basic",
    },
  ],
  jwks: { keys: [key("one")] },
  acrValues: ["https://www.spid.gov.it/SpidL1", "https://www.spid.gov.it/SpidL2", "https://www.spid.gov.it/SpidL3"],
  claims: { openid: ["sub"], profile: ["name", "groups"], email: ["email", "email_verified"], acr: null, auth_time: null },
  conformIdTokenClaims: false,
  pkce: { required: () => true },
  features: { devInteractions: { enabled: false }, rpInitiatedLogout: { enabled: true } },
  interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
  cookies: { keys: ["of a test"] },
  ttl: { AccessToken: 60, AuthorizationCode: 60, IdToken: 60, Interaction: 60, Session: 600, Grant: 600 },
  findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id, ...people[id] }) }),
  async loadExistingGrant(ctx) {
    const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
    grant.addOIDCScope("openid profile email");
    await grant.save();
    return grant;
  },
});
const answer = provider.callback();
server.on("request", async (request, response) => {
  const url = new URL(request.url, issuer);
  if (url.pathname === "/become") {
    next = { account: url.searchParams.get("account"), acr: url.searchParams.get("acr") };
    response.end("ok");
  } else if (url.pathname.startsWith("/interaction/")) {
    const login = { accountId: next.account, acr: next.acr, ts: Math.floor(Date.now() / 1000) };
    await provider.interactionFinished(request, response, { login }, { mergeWithLastSubmission: false });
  } else {
    answer(request, response);
  }
});
console.log(issuer);
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
