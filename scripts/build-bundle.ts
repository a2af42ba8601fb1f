/** `npm run build`: the workflow bundle that a production worker starts with. */
import { messageOf } from "../src/config/user-error.ts";
import { buildBundle, prebuiltBundlePath } from "../src/workers/bundle.ts";

try {
  const { codePath, manifest } = await buildBundle(prebuiltBundlePath());
  const kilobytes = Math.round(manifest.codeBytes / 1000);
  console.log(
    `${codePath}: ${kilobytes} kB, ${Object.keys(manifest.sources).length} modules, ${manifest.codeHash.slice(0, 12)}`,
  );
} catch (error) {
  console.error(`build-bundle: ${messageOf(error)}`);
  process.exitCode = 1;
}
