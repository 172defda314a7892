// Coming in by an OpenID provider, on a server of its own: there and back, refused, when a token is over, and out again. The provider is another
// site (127.0.0.1, and the portal is localhost), as it is in the world.

import { join } from "node:path";
import { check, expect, same, until } from "./checks.mjs";
import { provider, proxy, sample, serve } from "./stage.mjs";

/** For how many seconds a token counts that has expired: clocks may be that far apart. */
const LEEWAY = 60;

export async function signingIn({ binary, folder, visitor, picture, axe }) {
  const [id, line] = [await provider(), await proxy(0)];
  const home = `http://localhost:${line.port}`;
  const server = await serve(binary, join(folder, "signing-in"), {
    PLANSHIFT_OIDC_ISSUER: id.issuer, PLANSHIFT_OIDC_AUDIENCE: "planshift", PLANSHIFT_OIDC_CLIENT_ID: "portal", PLANSHIFT_PORTAL_URL: home,
    PLANSHIFT_VERIFY_EVERY: "never",
  });
  line.lead(server.port);
  const own = sample(binary, folder, { customers: 2, subscriptions: 2, seed: 41 });
  await server.ask("/v1/accounts", JSON.stringify(own));
  id.who = [own.partner.id, "AdminAgent", "nadia@own.example"];
  const open = (options = {}) => visitor(null, options, home);
  const { context, page } = await open();
  const signIn = page.getByRole("link", { name: "Sign in" });

  await check("the button leads to the provider, and back to the page that was wanted", async () => {
    await page.goto("/portal/customers?q=zz");
    expect(page.url().includes("/portal/sign-in?next="), page.url());
    expect(!(await page.locator("#token").isVisible()), "a token is the second way");
    await picture(page, "sign-in");
    await signIn.click();
    await page.waitForURL(`${id.issuer}/authorize?**`);
    await page.getByRole("link", { name: "Go on" }).click();
    await page.waitForURL(`${home}/portal/customers?q=zz`);
    expect((await page.locator(".who").textContent()).includes("nadia@own.example"), "who it is");
    const cookies = await context.cookies();
    const session = cookies.find((one) => one.name === "planshift-session");
    same([session.httpOnly, session.sameSite], [true, "Strict"], "the session's cookie");
    same(cookies.filter((one) => one.name.startsWith("planshift-sign-in")).length, 0, "of the attempt nothing is left");
    await page.goto("/portal/customers");
    same(await page.locator("tbody tr").count(), 2, "its customers");
  });

  await check("a token that is over leads there and back, to the same page, without a question", async () => {
    Object.assign(id, { remembers: true, seconds: 2 - LEEWAY });
    await context.clearCookies({ name: "planshift-session" });
    await page.goto("/portal/sign-in/provider?next=%2Fportal%2Fbatches");
    await page.waitForURL("**/portal/batches");
    const before = id.exchanged;
    id.seconds = 3600;
    await until(async () => { await page.goto("/portal/transitions?q=a"); return id.exchanged > before; }, "the token is over");
    await page.waitForURL(`${home}/portal/transitions?q=a`);
    same(id.exchanged, before + 1, "once");
    await page.reload();
    same([page.url(), await page.locator(".who").count()], [`${home}/portal/transitions?q=a`, 1], "signed in");
  });

  await check("signing out ends both, here and at the provider", async () => {
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.waitForURL(`${id.issuer}/logout?**`);
    await page.getByRole("link", { name: "Back" }).click();
    await page.waitForURL(`${home}/portal/sign-in`);
    await page.goto("/portal/transitions");
    expect(page.url().includes("/portal/sign-in?next="), page.url());
  });

  await check("whoever refuses is told so in plain words, in French too, and may begin again", async () => {
    for (const [locale, name, text] of [["en-GB", "Sign in", "You did not agree"], ["fr-FR", "Se connecter", "Vous n’avez pas donné votre accord"]]) {
      const { context: apart, page: one } = await open({ locale, bypassCSP: true });
      await one.goto("/portal/sign-in?next=%2Fportal%2Faudit");
      await one.getByRole("link", { name }).click();
      await one.getByRole("link", { name: "Refuse" }).click();
      const alert = await one.getByRole("alert").textContent();
      expect(alert.includes(text) && !alert.includes("<b>"), alert);
      await one.addScriptTag({ path: axe });
      same(await one.evaluate(async () => (await axe.run(document)).violations.map((rule) => rule.id)), [], "axe");
      await picture(one, `sign-in-refused-${locale}`);
      await one.getByRole("link", { name }).click();
      await one.getByRole("link", { name: "Go on" }).click();
      await one.waitForURL("**/portal/audit");
      await apart.close();
    }
  });

  await check("without JavaScript too; and with a token, as ever", async () => {
    const { context: plain, page: one } = await open({ javaScriptEnabled: false });
    await one.goto("/portal/customers");
    await one.getByRole("link", { name: "Sign in" }).click();
    await one.getByRole("link", { name: "Go on" }).click();
    await one.waitForURL("**/portal/customers");
    same(await one.locator("tbody tr").count(), 2, "its customers");
    await plain.close();
    await page.goto("/portal/sign-in");
    await page.getByText("Sign in with a token").click();
    await page.fill("#token", server.token);
    await page.press("#token", "Enter");
    await page.waitForURL("**/portal/customers");
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.waitForURL(`${home}/portal/sign-in`);
  });

  await context.close();
  line.close();
  await server.stop();
  id.close();
}
