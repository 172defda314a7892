// Checks that are counted, and what they say with.

/** How long something may take to come about. */
export const SOON = 30_000;
export const totals = { passed: 0, failed: 0 };

export async function check(name, body) {
  const begun = Date.now();
  try {
    const told = await body();
    totals.passed += 1;
    console.log(`ok      ${name}${told ? `: ${told}` : ""} (${Date.now() - begun} ms)`);
  } catch (error) {
    totals.failed += 1;
    console.log(`FAILED  ${name}\n${String(error.stack ?? error).replace(/^/gm, "        ")}`);
  }
}
export function expect(is, what) { if (!is) throw new Error(what); }
export function same(found, expected, what) { expect(JSON.stringify(found) === JSON.stringify(expected), `${what}: ${JSON.stringify(found)} and not ${JSON.stringify(expected)}`); }
export const until = async (is, what) => {
  const end = Date.now() + SOON;
  while (!(await is())) { expect(Date.now() < end, `it did not come about: ${what}`); await new Promise((go) => setTimeout(go, 50)); }
};
/** The state that a page's head says. */
export const state = (page) => page.locator('[data-part="head"] .mark').first().textContent();
