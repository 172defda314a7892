// Schedules: made for a customer and for a batch, looked at by day, moved, cancelled.

import { check, expect, same, state, until } from "./checks.mjs";

/** A day so many days ahead. */
const ahead = (days) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);

/** `customer` may move; `batch` is the address of one of which nothing has begun. Gives the pages that there are then. */
export async function schedules({ page, customer, batch, picture }) {
  const pages = ["/portal/schedules", "/portal/schedules/new"];

  await check("a schedule of a customer: what is wrong is told, and what was filled in is kept", async () => {
    await page.goto(`/portal/customers/${customer}`);
    await page.getByRole("link", { name: "At its time…" }).click();
    await page.waitForURL("**/portal/schedules/new**");
    expect((await page.inputValue("#timezone")).length > 0, "the reader's own time zone");
    await page.fill("#at", "2020-01-01");
    await page.fill("#timezone", "Europe/Paris");
    await page.fill("#reference", "contoso at night");
    await page.getByRole("button", { name: "Make the schedule" }).click();
    await page.getByRole("alert").waitFor();
    expect((await page.getByRole("alert").textContent()).includes("which is past"), "it is past");
    same([await page.inputValue("#customers"), await page.inputValue("#reference")], [customer, "contoso at night"], "what was filled in");
    await page.fill("#at", ahead(30));
    await page.fill("#from", "22:00");
    await page.fill("#to", "05:00");
    await page.getByRole("button", { name: "Make the schedule" }).click();
    await page.waitForURL((url) => /\/portal\/schedules\/[0-9a-f-]{36}$/.test(url.pathname));
    same([await state(page), await page.locator('[data-part="days"] tbody tr').count(), await page.locator('[data-part="rows"] tbody tr').count()], ["Waiting", 1, 1], "it waits");
    pages.push(new URL(page.url()).pathname);
  });

  await check("a schedule of a batch, spread over days of the week", async () => {
    await page.goto(batch);
    await page.getByRole("link", { name: "At its time…" }).click();
    await page.fill("#at", ahead(40));
    await page.fill("#timezone", "Europe/Paris");
    await page.fill("#from", "22:00");
    await page.fill("#to", "05:00");
    for (const day of ["Saturday", "Sunday"]) await page.getByLabel(day).check();
    await page.fill("#spread", "4");
    await page.fill("#reason", "at weekends, please");
    await page.getByRole("button", { name: "Make the schedule" }).click();
    await page.waitForURL((url) => /\/portal\/schedules\/[0-9a-f-]{36}$/.test(url.pathname));
    const opens = await page.locator('[data-part="days"] tbody tr time:first-child').evaluateAll((all) => all.filter((_, at) => at % 2 === 0).map((time) => new Date(time.dateTime).getUTCDay()));
    expect(opens.length === 4 && opens.every((day) => day === 6 || day === 0), `weekends: ${opens}`);
    expect(await page.locator(".story").getByText("at weekends, please").isVisible(), "why");
    await picture(page, "schedule");
    pages.push(new URL(page.url()).pathname);
    await page.goto(batch);
    expect(await page.getByText("Its schedule starts it").isVisible(), "its batch says so");
    same(await page.getByRole("link", { name: "Start…" }).count(), 0, "and is not started by hand");
  });

  await check("it is moved, and then cancelled, with reasons; lists say so", async () => {
    await page.goto(pages.at(-1));
    await page.getByRole("link", { name: "Move…" }).click();
    same(await page.inputValue("#spread"), "4", "what it is now");
    await page.fill("#at", "not a day");
    await page.getByRole("button", { name: "Move it" }).click();
    await page.getByRole("alert").waitFor();
    await page.fill("#at", ahead(60));
    await page.fill("#reason", "they asked us to");
    pages.push(`${pages.at(-1)}/move`);
    await page.getByRole("button", { name: "Move it" }).click();
    await page.waitForURL(`**${pages.at(-2)}`);
    expect(await page.locator('[data-part="facts"]').getByText(ahead(60)).isVisible(), "the new day");
    expect(await page.locator(".story").getByText("moved").isVisible(), "who moved it");
    await page.goto(pages[2]);
    await page.getByRole("link", { name: "Cancel…" }).click();
    await page.fill("#reason", "no longer");
    await page.getByRole("button", { name: "Cancel it" }).click();
    await until(async () => (await state(page)) === "Cancelled", "it is cancelled");
    await page.goto("/portal/schedules?state=Cancelled");
    same(await page.locator("tbody .name").allTextContents(), ["contoso at night"], "by its state");
    await page.goto("/portal/schedules");
    await picture(page, "schedules");
  });
  return pages;
}
