// Schedules: made for a customer and for a batch, looked at by day, moved, cancelled.

import { check, expect, same, state, until } from "./checks.mjs";

/** A day so many days ahead. */
const ahead = (days) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);

/** `customer` may move; `batch` is the address of one of which nothing has begun. Gives the pages that there are then. */
export async function schedules({ page, customer, batch, picture, accessible, plain }) {
  const pages = ["/portal/schedules", "/portal/schedules/new"];

  await check("a schedule of a customer: what is wrong is told, and what was filled in is kept", async () => {
    await page.goto(`/portal/customers/${customer}`);
    await page.getByRole("link", { name: "At its time…" }).click();
    await page.waitForURL("**/portal/schedules/new**");
    expect((await page.inputValue("#timezone")).length > 0, "the reader's own time zone");
    await page.selectOption("#timezone", "Europe/Paris");
    await page.fill("#reference", "contoso at night");
    await page.fill("#reason", "it was asked for");
    await page.getByLabel("Sunday").check();
    // the browser's own fields: what cannot be is not sent
    await page.fill("#on", "2020-01-01");
    await page.getByRole("button", { name: "Make the schedule" }).click();
    expect(await page.locator("#on").evaluate((field) => field.validity.rangeUnderflow), "long past is not sent");
    same(await page.getByRole("alert").count(), 0, "nothing was asked");
    await page.fill("#on", ahead(-1));
    await page.fill("#time", "00:01");
    await page.fill("#from", "22:00");
    await page.getByRole("button", { name: "Make the schedule" }).click();
    await page.getByRole("alert").waitFor();
    same([await page.inputValue("#customers"), await page.inputValue("#reference"), await page.inputValue("#reason"), await page.inputValue("#on"), await page.inputValue("#time"), await page.inputValue("#from"), await page.inputValue("#timezone"), await page.getByLabel("Sunday").isChecked()],
      [customer, "contoso at night", "it was asked for", ahead(-1), "00:01", "22:00", "Europe/Paris", true], "what was filled in");
    const told = (field) => page.locator(field).evaluate((one) => one.getAttribute("aria-describedby").split(" ").map((id) => document.getElementById(id).textContent).join());
    expect((await told("#from")).includes("from when and to when"), "what is wrong with the hours, at their field");
    await picture(page, "schedule-refused");
    // the fault leads to its field, and keys alone mend it
    await page.getByRole("alert").getByRole("link").first().press("Enter");
    await page.waitForURL("**#on");
    expect((await told("#on")).includes("which is past"), "it is past, at the day");
    await page.fill("#on", ahead(30));
    await page.fill("#time", "");
    await page.getByLabel("Sunday").uncheck();
    await page.focus("#from");
    // the browser that is used here has a clock of twelve hours
    await page.keyboard.type("1000PM");
    await page.fill("#to", "05:00");
    same(await page.inputValue("#from"), "22:00", "typed as the reader's clock shows it");
    await page.getByRole("button", { name: "Make the schedule" }).click();
    await page.waitForURL((url) => /\/portal\/schedules\/[0-9a-f-]{36}$/.test(url.pathname));
    same([await state(page), await page.locator('[data-part="days"] tbody tr').count(), await page.locator('[data-part="rows"] tbody tr').count()], ["Waiting", 1, 1], "it waits");
    pages.push(new URL(page.url()).pathname);
  });

  await check("a form that was refused is told to those who hear it: axe finds nothing", () => accessible("/portal/schedules/new", async (one) => {
    await one.fill("#customers", "nobody");
    await one.selectOption("#timezone", "UTC");
    await one.fill("#on", ahead(-1));
    await one.fill("#time", "00:01");
    await one.fill("#from", "22:00");
    await one.getByRole("button", { name: "Make the schedule" }).click();
    await one.getByRole("alert").waitFor();
    same(await one.locator("[aria-invalid]").evaluateAll((all) => all.map((field) => field.id)), ["customers", "on", "from", "to"], "each that is wrong");
  }));

  await check("a schedule of a batch, spread over days of the week", async () => {
    await page.goto(batch);
    await page.getByRole("link", { name: "At its time…" }).click();
    await page.fill("#on", ahead(40));
    await page.selectOption("#timezone", "Europe/Paris");
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
    same([await page.inputValue("#from"), await page.inputValue("#to"), await page.getByLabel("Saturday").isChecked()], ["22:00", "05:00", true], "and its hours");
    await page.fill("#on", ahead(-1));
    await page.fill("#time", "00:01");
    await page.fill("#reason", "they asked us to");
    await page.getByRole("button", { name: "Move it" }).click();
    await page.getByRole("alert").waitFor();
    same([await page.inputValue("#reason"), await page.inputValue("#time")], ["they asked us to", "00:01"], "what was filled in");
    await page.fill("#on", ahead(60));
    await page.fill("#time", "");
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
    expect((await page.locator("tbody .name").allTextContents()).includes("contoso at night"), "by its state");
    await page.goto("/portal/schedules");
    await picture(page, "schedules");
  });

  // after the customer's other schedule was cancelled
  await check("a schedule is made in French, on a phone, without a script", async () => {
    const { context, page: phone } = await plain();
    await phone.goto(`/portal/schedules/new?customer=${customer}`);
    same([await phone.inputValue("#timezone"), await phone.locator("#on").getAttribute("type")], ["", "date"], "a time zone is chosen");
    await phone.getByLabel("Jour", { exact: true }).fill(ahead(50));
    await phone.getByLabel("Fuseau horaire").selectOption("Europe/Paris");
    await phone.getByLabel("de", { exact: true }).fill("22:00");
    await phone.getByRole("button", { name: "Créer la planification" }).click();
    await phone.getByRole("alert").waitFor();
    expect((await phone.locator("#window-fault").textContent()).includes("Indiquez les deux"), "in French, at its field");
    await picture(phone, "schedule-phone");
    await phone.getByLabel("à", { exact: true }).fill("04:30");
    await phone.getByLabel("dimanche").check();
    await phone.getByRole("button", { name: "Créer la planification" }).click();
    await phone.waitForURL((url) => /\/portal\/schedules\/[0-9a-f-]{36}$/.test(url.pathname));
    await phone.getByText("22:00 – 04:30").first().waitFor();
    await phone.getByRole("link", { name: "Annuler…" }).click();
    await phone.getByRole("button", { name: "L’annuler" }).click();
    await until(async () => (await state(phone)) === "Annulée", "it is cancelled");
    await context.close();
  });
  return pages;
}
