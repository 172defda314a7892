// Billing, ownership, audit and spending in the browser: files brought and refused, sums that agree, findings line by line, the picture of
// who owns what, a dossier. Called by run.mjs, with what its own checks have.

import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { writeFileSync } from "node:fs";

const HOUR = 3_600_000;
const time = (at) => new Date(at).toISOString().replace(".000Z", "Z");

/** All checks; gives the pages that there are, for those that are made of every page. */
export async function billing({ check, expect, same, until, picture, server, page, visitor, admin, id, partner, other, customer, moved, binary, folder }) {
  const own = customer(moved);
  const mine = (await server.ask(`/v1/customers/${own.id}/subscriptions`, undefined, admin)).body.items.filter((one) => one.azurePlanEffectiveAt);
  expect(mine.length > 1, "the customer has no subscription that has moved");
  const azure = mine[0].entitlementId, plan = mine[0].azurePlanId, cut = Date.parse(mine[0].azurePlanEffectiveAt);
  const month = time(cut).slice(0, 7);
  // the hours around the cut, within its month: some before it, some after it
  const first = Math.max(cut - 6 * HOUR, Date.parse(`${month}-01T00:00:00Z`));
  const [year, number] = month.split("-").map(Number);
  const before = (cut - first) / HOUR, after = Math.min(8, (Date.UTC(year, number, 1) - cut) / HOUR);
  const hours = (meter, unit = "Hours", amount = 1) => Array.from({ length: before + after }, (_, at) =>
    `${time(first + at * HOUR)},${time(first + (at + 1) * HOUR)},${meter},${amount},${unit},/subscriptions/${azure}/vm\n`).join("");
  const HEADER = "usageStartTime,usageEndTime,resource.id,quantity,unit,resourceUri\n";
  const file = (name, text) => { const path = join(folder, name); writeFileSync(path, text); return path; };
  const usage = file("usage.csv", HEADER + hours("meter-a"));
  const bring = async (path) => {
    await page.setInputFiles("#file", path);
    await page.getByRole("button", { name: "Bring it" }).click();
  };

  await check("billing: nothing is known yet, and the page says where usage is brought", async () => {
    await page.goto(`/portal/billing?month=${month}`);
    await page.getByText("No usage of this month is known.").waitFor();
    await page.getByRole("link", { name: "Bring usage records…" }).click();
    await page.getByText("No usage was brought yet.").waitFor();
  });

  await check("usage: a file with faults is refused by row and column, and nothing of it is taken", async () => {
    await page.goto("/portal/billing/usage");
    await bring(file("wrong.csv", HEADER + hours("meter-a").replace(",1,", ",ten,")));
    const alert = page.getByRole("alert");
    await alert.waitFor();
    const row = await alert.locator("tbody tr").first().locator("td").allTextContents();
    same([row[0], row[1], row[2]], ["2", "Quantity", '"ten"'], "the fault");
    await page.goto("/portal/billing/usage");
    same(await page.locator("tbody tr").first().locator(".mark").textContent(), "refused", "the list says so");
    await page.locator("tbody a.name").first().click();
    await page.getByText("Nothing of the file was taken.").waitFor();
  });

  await check("usage: what is no file of usage by its name, or is empty, is told on the same page", async () => {
    await page.goto("/portal/billing/usage");
    await bring(file("usage.pdf", "%PDF"));
    expect((await page.getByRole("alert").textContent()).includes("must end with .csv"), "the ending is told");
    await bring(file("empty.csv", ""));
    await page.getByRole("alert").waitFor();
  });

  await check("usage: a file is brought, and the same again changes nothing", async () => {
    await page.goto("/portal/billing/usage");
    await bring(usage);
    await page.waitForURL("**import=**");
    const told = await page.locator(".notice").textContent();
    expect(told.includes(`${before + after} records: ${before + after} new`), told);
    await bring(usage);
    await page.getByText("This very file was here already.").waitFor();
    await picture(page, "usage");
  });

  await check("billing: the sum check says that it agrees, with the sums, by customer, and leads down", async () => {
    await page.goto(`/portal/billing?month=${month}`);
    await until(async () => { await page.reload(); return (await page.locator('[data-agrees="true"]').count()) === 1 && (await page.locator("tbody").first().textContent()).includes(String(before + after)); }, "it agrees");
    const sums = await page.locator("table").first().locator("tbody td").allTextContents();
    same(sums.slice(0, 5), ["Hours", String(before + after), String(before), String(after), "0"], "the sums");
    await picture(page, "billing");
    await page.getByRole("link", { name: "this customer alone" }).click();
    await page.waitForURL("**customerId=**");
    same(await page.locator('[data-agrees="true"]').count(), 1, "of the customer alone");
    await page.getByRole("link", { name: `Ownership of ${azure}` }).click();
    await page.waitForURL(`**/azure/${azure}**`);
  });

  await check("billing: the tables as CSV, with the sums of the page", async () => {
    await page.goto(`/portal/billing?month=${month}`);
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "CSV by subscription" }).click()]);
    same(download.suggestedFilename(), `reconciliation-${month}.csv`, "its name");
    for (const of of ["subscription", "meter", "day", "credit", "findings"]) {
      const table = await page.request.get(`/portal/billing/table?of=${of}&month=${month}`);
      same([table.status(), table.headers()["content-type"]], [200, "text/csv; charset=utf-8"], of);
      if (of !== "findings") expect((await table.text()).includes(azure), `${of} does not have the subscription`);
    }
    same((await page.request.get(`/portal/billing/table?of=other&month=${month}`)).status(), 400, "another table");
  });

  await check("ownership: legacy before the cut and the plan after it, five ids, the days on both invoices", async () => {
    await page.goto(`/portal/customers/${own.id}`);
    await page.getByRole("link", { name: `Ownership of ${azure}` }).click();
    const bars = page.locator(".owners svg rect");
    same(await bars.evaluateAll((all) => all.map((one) => one.getAttribute("class"))), ["legacy", "plan"], "the pieces");
    expect((await page.locator(".owners svg").textContent()).includes("the cut"), "the cut is marked");
    for (const known of [azure, plan, mine[0].id, mine[0].upgradeId]) expect((await page.locator(`[data-copy="${known}"]`).count()) > 0, `${known} cannot be copied`);
    expect((await page.locator(".bars h3").textContent()).startsWith(`Hours: ${before} on D, ${after} on G`), await page.locator(".bars h3").textContent());
    same(await page.locator(".bars svg [style], .owners svg [style]").count(), 0, "inline styles");
    await picture(page, "ownership");
  });

  await check("credit: what is lost is told with whose it is and why", async () => {
    await page.goto(`/portal/billing/credit?month=${month}`);
    const text = await page.locator("table").textContent();
    expect(/lost/.test(text) && /a part of the day alone|legacy offer's/.test(text), text);
    await picture(page, "credit");
  });

  await check("invoices: brought, compared line by line, told once more, withdrawn", async () => {
    await page.goto("/portal/billing/invoices");
    const day = (at) => time(at).slice(0, 10);
    const columns = "CustomerId,InvoiceNumber,ChargeStartDate,ChargeEndDate,SubscriptionId,ResourceGUID,DetailLineItemId,OverageQuantity,ListPrice,PretaxCharges\n";
    // a line that nobody has metered; and what was metered for D is missing
    const text = `${columns}${own.id},D-1,${month}-01,${day(cut)},usCBMgAAAAAAAAIA,meter-x,1,3,$1,3\n`;
    await page.getByLabel("D, the legacy offer").check();
    await page.setInputFiles("#file", file("wrong-invoice.csv", text.replace(",3,$1", ",three,$1")));
    await page.getByRole("button", { name: "Bring it" }).click();
    await page.getByRole("alert").getByText("Nothing of the file was taken.").waitFor();
    await page.getByLabel("D, the legacy offer").check();
    await page.setInputFiles("#file", file("invoice.csv", text));
    await page.getByRole("button", { name: "Bring it" }).click();
    await page.waitForURL("**/portal/billing/invoices/*");
    const here = page.url();
    const faults = await page.locator("[data-findings] tbody tr").evaluateAll((rows) => rows.map((row) => row.cells[0].textContent + " " + row.cells[2].textContent));
    expect(faults.some((row) => /not metered.*row 2/.test(row)), `line 2 is not told: ${JSON.stringify(faults)}`);
    await picture(page, "invoice");
    await page.goto("/portal/billing/invoices");
    await page.getByLabel("D, the legacy offer").check();
    await page.setInputFiles("#file", join(folder, "invoice.csv"));
    await page.getByRole("button", { name: "Bring it" }).click();
    await page.getByText("This very file was here already.").waitFor();
    // a corrected file takes its place, and says so before
    await page.goto(here);
    await page.getByText("Replace it…").click();
    const question = page.locator("form", { has: page.getByRole("button", { name: "Replace it" }) });
    const asked = await question.textContent();
    for (const part of ["Replace D-1", `${month}-01`, "1 line, brought", "counts in its place"]) expect(asked.includes(part), `${part}: ${asked}`);
    await picture(page, "invoice-replace");
    const right = text.replace("meter-x,1,3,$1,3", `meter-a,1,${Math.max(before, 1)},$1,3`);
    await page.setInputFiles("#file", file("wrong-correction.csv", right.replace(",$1,", ",dear,")));
    await page.getByRole("button", { name: "Replace it" }).click();
    await page.getByRole("alert").getByText("Nothing of the file was taken.").waitFor();
    same(await page.locator(".title .mark").first().textContent(), "taken", "it counts as before");
    expect(await page.locator("#file").isVisible(), "another file can be chosen at once");
    await page.setInputFiles("#file", file("correction.csv", right));
    await page.getByRole("button", { name: "Replace it" }).click();
    await page.waitForURL((url) => /\/portal\/billing\/invoices\/[0-9a-f-]{36}$/.test(url.pathname) && url.href !== here);
    const now = page.url();
    same(await page.locator("[data-findings] tbody tr", { hasText: "not metered" }).count(), 0, "what was wrong is put right");
    await page.goto(here);
    same(await page.locator(".title .mark").first().textContent(), "withdrawn", "the one before does not count");
    same(await page.getByText("Replace it…").count(), 0, "and is not replaced once more");
    await page.getByRole("definition").getByRole("link").click();
    await page.waitForURL(now);
    await page.getByText("Withdraw it…").click();
    await page.fill("#reason", "not ours");
    await page.getByRole("button", { name: "Withdraw", exact: true }).click();
    await page.getByText("not ours").waitFor();
    same(await page.locator("[data-findings]").count(), 0, "it is compared with nothing");
  });

  await check("spending: percent of the budget, a warning, and who has seen to it", async () => {
    await server.ask(`/v1/customers/${own.id}/usagebudget`, { amount: 100 }, admin, "PATCH");
    const budget = (await server.ask(`/v1/customers/${own.id}/budget`, undefined, admin)).body;
    const rated = "CustomerId,EntitlementId,SubscriptionId,UsageDate,MeterId,ResourceURI,Quantity,Unit,UnitPrice,EffectiveUnitPrice,PCToBCExchangeRate,BillingPreTaxTotal,BillingCurrency,PricingCurrency,PartnerEarnedCreditPercentage\n";
    const now = new Date().toISOString().slice(0, 10);
    await page.goto("/portal/billing/usage");
    await bring(file("rated.csv", `${rated}${own.id},${azure},,${now},meter-b,/vm,1,Hours,85,85,1,85,${budget.currencyCode},${budget.currencyCode},0\n`));
    await page.waitForURL("**import=**");
    const here = `/portal/customers/${own.id}`;
    await until(async () => { await page.goto(here); return (await page.getByRole("button", { name: "Seen to it" }).count()) === 1; }, "the warning comes");
    await page.getByText("85 %").first().waitFor();
    await picture(page, "spending");
    // while somebody looks at the page, more is spent: what that has led to was not seen
    const more = await page.context().newPage();
    await more.goto("/portal/billing/usage");
    await more.setInputFiles("#file", file("rated-more.csv", `${rated}${own.id},${azure},,${now},meter-b,/vm2,1,Hours,20,20,1,20,${budget.currencyCode},${budget.currencyCode},0\n`));
    await more.getByRole("button", { name: "Bring it" }).click();
    await more.waitForURL("**import=**");
    await more.close();
    const warnings = async () => (await server.ask(`/v1/customers/${own.id}/budget`, undefined, admin)).body.warnings;
    await until(async () => (await warnings()).length === 2, "the second warning comes");
    await page.fill("#seen", "called them");
    await page.getByRole("button", { name: "Seen to it" }).click();
    await page.getByText("called them").waitFor();
    same((await warnings()).map((one) => [one.threshold, one.acknowledged?.reason ?? null]), [[100, null], [80, "called them"]], "the first one alone was seen to");
    same(await page.locator(".plain-list .mark.bad").allTextContents(), ["100 %"], "the page says so");
    await page.fill("#seen", "raised it");
    await page.getByRole("button", { name: "Seen to it" }).click();
    await page.getByText("raised it").waitFor();
    same((await warnings()).map((one) => one.acknowledged?.reason), ["raised it", "called them"], "each with its own reason");
    same(await page.getByRole("button", { name: "Seen to it" }).count(), 0, "nothing is left to see to");
  });

  await check("audit: found by who, what, when and customer; nothing of another partner", async () => {
    await page.goto("/portal/audit");
    expect((await page.locator("tbody tr").count()) > 10, "the list");
    await picture(page, "audit");
    await page.goto(`/portal/audit?customerId=${own.id}`);
    const texts = await page.locator("tbody td:nth-child(3)").allTextContents();
    expect(texts.length > 2 && texts.every((text) => text === own.companyProfile.companyName), "of the customer alone");
    await page.locator('[name="who"]').fill("NADIA");
    await page.locator('[name="what"]').fill("create_product");
    await page.getByRole("button", { name: "Find" }).click();
    await page.waitForURL("**who=NADIA**");
    // batches, which are tried before, may have tried to move it again
    const acts = await page.locator("tbody code").allTextContents();
    expect(acts.length > 0 && acts.every((act) => act === "create_product_upgrade"), `by who and what: ${acts}`);
    await page.goto("/portal/audit?from=2024-01-01&to=2024-01-02");
    await page.getByText("Nothing was found.").waitFor();
    await page.goto("/portal/audit?from=yesterday");
    same(await page.locator("h1").textContent(), "That was not understood", "a date that is none");
    const { context, page: stranger } = await visitor(id.token(other.partner.id, "AdminAgent", "eve@other.example"));
    await stranger.goto(`/portal/audit?customerId=${own.id}`);
    same(await stranger.locator("tbody tr").count(), 0, "what others see of it");
    for (const path of [`/portal/billing?partnerId=${partner}`, `/portal/customers/${own.id}/azure/${azure}`]) same((await stranger.goto(path)).status(), 404, path);
    // what nobody has imported has no dossier, and is told so
    same((await stranger.goto(`/portal/customers/${own.id}/dossier`)).status(), 400, "a dossier");
    await context.close();
  });

  await check("a dossier: a page that prints, with its own policy; and the document, which is intact", async () => {
    await page.goto(`/portal/audit?customerId=${own.id}`);
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Download (JSON)" }).click()]);
    same(download.suggestedFilename(), `dossier-${own.id}.json`, "its name");
    await download.saveAs(join(folder, "dossier.json"));
    // it ends with 4 where the document is not intact, and this throws then
    execFileSync(binary, ["audit", "--check", join(folder, "dossier.json")]);
    await page.getByRole("link", { name: "Dossier to print" }).click();
    await page.waitForURL("**/dossier");
    const answer = await page.reload();
    expect(/style-src 'sha256-/.test(answer.headers()["content-security-policy"]), answer.headers()["content-security-policy"]);
    expect((await page.locator("h1").textContent()).includes(own.companyProfile.companyName), "the name");
    expect((await page.locator("table").first().evaluate((one) => getComputedStyle(one).borderCollapse)) === "collapse", "the style counts");
    await page.emulateMedia({ media: "print" });
    await picture(page, "dossier");
    same(await page.evaluate(() => getComputedStyle(document.body).marginTop), "0px", "the style for print");
    await page.emulateMedia({ media: null });
    await page.goto(`/portal/billing?month=${month}`);
    await page.emulateMedia({ media: "print" });
    same(await page.locator("header.bar, .tabs, form").evaluateAll((all) => all.filter((one) => getComputedStyle(one).display !== "none").length), 0, "what is not for print");
    await page.emulateMedia({ media: null });
  });

  await check("files without JavaScript; and a form of elsewhere with a file is refused before the file is read", async () => {
    const { context, page: plain } = await visitor(admin, { javaScriptEnabled: false });
    await plain.goto("/portal/billing/usage");
    await plain.setInputFiles("#file", file("more.csv", HEADER + hours("meter-c")));
    await plain.getByRole("button", { name: "Bring it" }).click();
    await plain.waitForURL("**import=**");
    const cookie = (await context.cookies()).map((one) => `${one.name}=${one.value}`).join("; ");
    const form = new FormData();
    form.append("file", new Blob([HEADER + hours("meter-d")]), "usage.csv");
    const answer = await fetch(new URL("/portal/billing/usage", plain.url()), { method: "POST", headers: { cookie }, body: form });
    same(answer.status, 403, "without a token");
    await context.close();
    const { context: reading, page: reader } = await visitor(id.token(partner, "ReadOnlyAgent", "rita@own.example"));
    for (const path of ["/portal/billing/usage", "/portal/billing/invoices"]) {
      await reader.goto(path);
      same(await reader.locator("#file").count(), 0, `a reader has no form on ${path}`);
    }
    await reading.close();
  });

  await check("billing in French", async () => {
    const { context, page: one } = await visitor(admin, { locale: "fr-FR" });
    await one.goto(`/portal/billing?month=${month}`);
    await one.getByText("Tout concorde").waitFor();
    await one.goto(`/portal/customers/${own.id}/azure/${azure}`);
    same(await one.locator("h1").textContent(), "À qui est la consommation", "ownership");
    await context.close();
  });

  const invoice = (await server.ask("/v1/invoices", undefined, admin)).body.items[0].invoiceId;
  return [
    `/portal/billing?month=${month}`, `/portal/billing/credit?month=${month}`, "/portal/billing/invoices", `/portal/billing/invoices/${invoice}`, "/portal/billing/usage",
    `/portal/customers/${own.id}/azure/${azure}`, "/portal/audit", `/portal/audit?customerId=${own.id}`, `/portal/customers/${own.id}`, `/portal/customers/${own.id}/dossier`,
  ];
}
