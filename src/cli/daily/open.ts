import { userInfo } from "node:os";
import { defineCommand } from "citty";
import { configArgument } from "../args.ts";
import { openOperatorClient } from "../operator-client.ts";
import { print } from "../output.ts";

export default defineCommand({
  meta: { name: "open", description: "Print a link that logs you in on the page once" },
  args: configArgument,
  async run({ args }) {
    await using client = await openOperatorClient(args);
    const { url } = await client.ask<{ url: string }>("POST", "/ui/open", userInfo().username);
    print(url);
    const isDesktop = process.env.DISPLAY !== undefined || process.env.WAYLAND_DISPLAY !== undefined;
    const opener = isDesktop && Bun.which("xdg-open");
    if (opener) Bun.spawn([opener, url], { stdio: ["ignore", "ignore", "ignore"] }).unref();
  },
});
