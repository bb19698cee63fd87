// play.mjs - somebody at the page in a real browser; called by test_browser.py
//
//   node play.mjs SCENARIO LINK        LINK: from `sluis login`
//
// Ends with 0 when all of it went as a person expects, else says what did not.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const require = createRequire(`${process.env.SLUIS_BROWSER}/`);
const { chromium } = require("playwright-core");
const axeSource = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const [scenario, link] = process.argv.slice(2);
const home = new URL("/", link).href;
const words = {
  en: { title: "Who gets what about me", stopped: "Stopped. It is in the ledger as receipt" },
  nl: { title: "Wie krijgt wat over mij", stopped: "Gestopt. Het staat in het grootboek" },
};

async function heading(page) {
  return (await page.locator("h1").innerText()).trim();
}

// Tab until what has the focus matches, as somebody without a mouse does.
async function tabTo(page, selector) {
  for (let i = 0; i < 60; i++) {
    await page.keyboard.press("Tab");
    if (await page.evaluate((wanted) => document.activeElement?.matches(wanted) ?? false, selector)) {
      const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
      assert.notEqual(outline, "none", `the focus on ${selector} can't be seen`);
      return;
    }
  }
  assert.fail(`no way by keyboard to ${selector}`);
}

async function signIn(page) {
  await page.goto(link);
  await page.getByRole("button").first().click();
  await page.waitForURL(home);
}

async function stopsByKeyboard(browser, language) {
  const context = await browser.newContext({ locale: language });
  const page = await context.newPage();
  await page.goto(link);
  await tabTo(page, "main button");
  await page.keyboard.press("Enter");
  await page.waitForURL(home);
  assert.equal(await heading(page), words[language].title);
  await tabTo(page, "a.stop");
  await page.keyboard.press("Enter");
  await page.waitForURL("**/stop");
  await tabTo(page, "main button.stop");
  await page.keyboard.press("Enter");
  const done = page.getByRole("status");
  await done.waitFor();
  assert.ok((await done.innerText()).startsWith(words[language].stopped), await done.innerText());
}

async function choosesALanguage(browser) {
  const page = await (await browser.newContext({ locale: "en-GB" })).newPage();
  await signIn(page);
  assert.equal(await heading(page), words.en.title);
  await page.getByRole("button", { name: "Nederlands" }).click();
  await page.waitForURL(home);
  assert.equal(await heading(page), words.nl.title);
  assert.equal(await page.locator("html").getAttribute("lang"), "nl");
}

// Each page, in both schemes, wide and narrow: no finding of axe, nothing beyond the edge.
async function isForEveryone(browser) {
  const context = await browser.newContext({ locale: "en" });
  const page = await context.newPage();
  await signIn(page);
  const stop = await page.locator("a.stop").first().getAttribute("href");
  for (const path of ["/", "/sessions", stop, "/nowhere", "/login/gone"]) {
    for (const colorScheme of ["light", "dark"]) {
      for (const width of [320, 1280]) {
        await page.setViewportSize({ width, height: 800 });
        await page.emulateMedia({ colorScheme });
        await page.goto(new URL(path, link).href);
        await page.evaluate(axeSource);
        const found = await page.evaluate(() => globalThis.axe.run());
        assert.deepEqual(found.violations.map((one) => `${one.id}: ${one.nodes[0].html}`), [],
          `${path} ${colorScheme} ${width}`);
        const scrolled = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(scrolled <= width, `${path} is ${scrolled} wide at ${width}`);
      }
    }
  }
}

async function asksNobodyElse(browser) {
  const context = await browser.newContext();
  const page = await context.newPage();
  const asked = [];
  const complaints = [];
  let bytes = 0;
  page.on("request", (request) => asked.push(request.url()));
  page.on("console", (message) => complaints.push(message.text()));
  page.on("response", async (response) => {
    bytes += (await response.body().catch(() => Buffer.alloc(0))).length;
  });
  await signIn(page);
  await page.goto(new URL("/sessions", link).href);
  await page.waitForLoadState("networkidle");
  assert.ok(asked.length > 3);
  assert.deepEqual(asked.filter((url) => !url.startsWith(home)), []);
  assert.deepEqual(complaints, []);
  assert.ok(bytes < 150 * 1024, `${bytes} bytes`);
  const cookies = await context.cookies();
  assert.deepEqual(cookies.map((one) => [one.name, one.httpOnly, one.secure, one.sameSite]),
    [["__Host-sluis", true, true, "Strict"]]);
}

const scenarios = {
  "by-keyboard-en": (browser) => stopsByKeyboard(browser, "en"),
  "by-keyboard-nl": (browser) => stopsByKeyboard(browser, "nl"),
  language: choosesALanguage,
  everyone: isForEveryone,
  nobody: asksNobodyElse,
};

const browser = await chromium.launch({
  executablePath: process.env.SLUIS_CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu"],
});
try {
  await scenarios[scenario](browser);
} finally {
  await browser.close();
}
