// Batches: brought as a file, refused by row and column, followed live, acted on with reasons, taken along.

import { readFileSync } from "node:fs";
import { check, expect, same, state, until } from "./checks.mjs";

/** Chooses a file with this in it, and sends the form. */
async function bring(page, name, text, reference) {
  await page.goto("/portal/batches/new");
  await page.setInputFiles('input[name="file"]', { name, mimeType: "application/octet-stream", buffer: Buffer.from(text) });
  await page.fill("#reference", reference);
  await page.fill("#reason", "agreed with them");
  await page.getByRole("button", { name: "Make the batch" }).click();
}

/** An act, after its question. */
async function act(page, name, reason) {
  await page.getByRole("link", { name: `${name}…` }).click();
  await page.waitForURL("**/act?act=*");
  await page.fill("#reason", reason);
  await page.getByRole("button", { name, exact: true }).click();
  await page.waitForURL((url) => /\/portal\/batches\/[0-9a-f-]{36}$/.test(url.pathname));
}

/** `free` are ten customers that may move, each used once; `blocked` is one that may not. Gives the pages that there are then; the last one is that
 * of a batch of which nothing has begun. */
export async function batches({ page, far, free, blocked, picture, visitor, reader, stranger }) {
  const pages = ["/portal/batches/new"];

  await check("a file with faults is told by row and column, and nothing of it is taken", async () => {
    await bring(page, "bad.csv", `customerId,externalReferenceId\r\n${free[0]},one\r\nnobody,two\r\n${free[0]},three\r\n`, "with faults");
    await page.getByRole("alert").waitFor();
    expect((await page.getByRole("alert").textContent()).includes("Nothing of it was taken"), "it says so");
    const rows = await page.locator("table tbody tr").allTextContents();
    expect(rows.length === 2 && rows[0].includes("nobody") && rows[0].includes("customerId"), JSON.stringify(rows));
    same(await page.inputValue("#reference"), "with faults", "what was filled in is kept");
    await picture(page, "batch-faults");
    await page.goto("/portal/batches?externalReferenceId=with+faults");
    expect(await page.getByText("No batch matches.").isVisible(), "there is no such batch");
  });

  await check("a CSV file: a dry run in total before anything begins; then started, paused, resumed, followed to its end without a reload", async () => {
    const rows = [...free.slice(0, 3), blocked];
    await bring(page, "may.csv", `customerId;externalReferenceId\n${rows.map((id, at) => `${id};row ${at}`).join("\n")}\n`, "may");
    await page.waitForURL((url) => /\/portal\/batches\/[0-9a-f-]{36}$/.test(url.pathname));
    await until(async () => (await state(page)) === "Planned", "the dry run is done");
    await page.evaluate(() => { window.here = true; });
    const said = await page.locator('[data-part="counts"] .card').textContent();
    expect(/3\s*may move/.test(said) && /1\s*are blocked/.test(said), said);
    same(await page.getByText("Under way", { exact: true }).count() > 1, false, "nothing has begun");
    await picture(page, "batch-planned");
    far.hold = true;
    await act(page, "Start", "go on");
    await until(async () => (await state(page)) === "Under way", "it runs");
    await page.evaluate(() => { window.here = true; });
    await until(async () => /3\s*under way/.test(await page.locator('[data-part="counts"]').textContent()), "three are under way");
    await picture(page, "batch-running");
    await act(page, "Pause", "somebody called");
    await until(async () => (await state(page)) === "Pausing", "it drains");
    await act(page, "Resume", "it was nothing");
    await page.evaluate(() => { window.here = true; });
    far.hold = false;
    await until(async () => (await state(page)) === "Completed", "it ends");
    same(await page.evaluate(() => window.here), true, "the page was never loaded anew");
    for (const reason of ["agreed with them", "go on", "somebody called", "it was nothing"]) expect(await page.locator(".story").getByText(reason).isVisible(), reason);
    pages.push(new URL(page.url()).pathname);
    await picture(page, "batch-completed");
  });

  await check("rows are filtered by state, say why, and lead to their transitions", async () => {
    await page.selectOption('select[name="state"]', "Ineligible");
    await page.getByRole("button", { name: "Show" }).click();
    await page.waitForURL("**state=Ineligible");
    same(await page.locator('[data-part="rows"] tbody tr').count(), 1, "the one that is blocked");
    expect((await page.locator('[data-part="rows"] tbody td').nth(3).textContent()).trim().length > 10, "and why");
    await page.goto(`${pages.at(-1)}?state=Completed`);
    same(await page.locator('[data-part="rows"] tbody tr').count(), 3, "those that have moved");
    await page.getByRole("link", { name: "Follow" }).first().click();
    await page.waitForURL("**/portal/transitions/*");
    same(await state(page), "On the Azure plan", "its transition");
  });

  await check("the blocked are checked again, and all rows are taken along as CSV and as JSON", async () => {
    await page.goto(pages.at(-1));
    await act(page, "Check the blocked again", "perhaps now");
    await until(async () => (await state(page)) === "Completed", "it ends again");
    expect(await page.locator('[data-part="rows"]').getByText("attempt 2").isVisible(), "a second attempt");
    const taken = async (name) => { const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name, exact: true }).click()]); return readFileSync(await file.path(), "utf8"); };
    const table = (await taken("CSV")).trim().split("\r\n");
    same([table.length, table[0].startsWith("row,customerId")], [5, true], "the table");
    same(JSON.parse(await taken("JSON")).items.map((row) => row.externalReferenceId), ["row 0", "row 1", "row 2", "row 3"], "the document");
  });

  await check("a JSON file; a failure is retried; the rest is cancelled after a question", async () => {
    far.refuseAll = true;
    await bring(page, "list.json", JSON.stringify([{ customerId: free[3] }]), "to fail");
    await page.waitForURL((url) => /\/portal\/batches\/[0-9a-f-]{36}$/.test(url.pathname));
    await until(async () => (await state(page)) === "Planned", "the dry run is done");
    await act(page, "Start", "");
    await until(async () => (await state(page)) === "Completed", "it ends");
    expect(await page.locator('[data-part="rows"]').getByText("Undone").isVisible(), "its row has failed");
    far.refuseAll = false;
    await act(page, "Retry the failed", "the lock is gone");
    await until(async () => (await page.locator('[data-part="rows"] .mark').first().textContent()) === "Completed", "the second attempt");
    await bring(page, "rest.csv", `customerId\n${free[4]}`, "never mind");
    await page.waitForURL((url) => /\/portal\/batches\/[0-9a-f-]{36}$/.test(url.pathname));
    await until(async () => (await state(page)) === "Planned", "the dry run is done");
    await act(page, "Cancel the rest", "never mind");
    await until(async () => (await state(page)) === "Cancelled", "it is cancelled");
  });

  await check("all customers that may move, as a filter; batches are found by state and name", async () => {
    await page.goto("/portal/batches/new");
    await page.getByLabel("All that may move").check();
    await page.fill("#reference", "everybody");
    await page.getByRole("button", { name: "Make the batch" }).click();
    await page.waitForURL((url) => /\/portal\/batches\/[0-9a-f-]{36}$/.test(url.pathname));
    await until(async () => (await state(page)) === "Planned", "the dry run is done");
    pages.push(`${new URL(page.url()).pathname}/act?act=start`, new URL(page.url()).pathname);
    await bring(page, "later.csv", `customerId\n${free.slice(6, 10).join("\n")}\n`, "later");
    await page.waitForURL((url) => /\/portal\/batches\/[0-9a-f-]{36}$/.test(url.pathname));
    await until(async () => (await state(page)) === "Planned", "the dry run is done");
    pages.push(new URL(page.url()).pathname);
    await page.goto("/portal/batches?state=Planned");
    expect((await page.locator("tbody .name").allTextContents()).includes("everybody"), "by its state");
    await page.fill('input[name="externalReferenceId"]', "may");
    await page.selectOption('select[name="state"]', "");
    await page.getByRole("button", { name: "Find" }).click();
    await page.waitForURL("**externalReferenceId=may**");
    same(await page.locator("tbody .name").allTextContents(), ["may"], "by its name");
    await page.goto("/portal/batches");
    await picture(page, "batches");
  });

  await check("a reader of batches has no acts, and another partner's batch is 404 in every way", async () => {
    const here = pages.at(-1);
    const { context, page: one } = await visitor(reader);
    await one.goto(here);
    same(await one.locator(".title .push a", { hasText: "…" }).count(), 0, "no acts");
    same((await one.goto("/portal/batches/new")).status(), 403, "none to make");
    await context.close();
    const { context: other, page: eve } = await visitor(stranger);
    for (const path of [here, `${here}/act?act=start`]) same((await eve.goto(path)).status(), 404, path);
    for (const path of [`${here}/results?format=csv`, `${here}/events`]) same((await eve.request.get(path)).status(), 404, path);
    await other.close();
  });
  return pages;
}
