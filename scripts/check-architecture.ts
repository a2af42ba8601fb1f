/** `npm run arch`: fails on a forbidden import, on a module that was not looked at, and when there is nothing to see. */
import { projectPath } from "../src/config/project.ts";
import { checkArchitecture } from "./architecture.ts";

const { violations, unseen, modules } = await checkArchitecture(projectPath());
for (const violation of violations) console.error(`architecture: ${violation}`);
for (const file of unseen) console.error(`architecture: ${file} was not looked at`);
if (modules === 0) console.error("architecture: no module under src was seen");
if (violations.length > 0 || unseen.length > 0 || modules === 0) process.exitCode = 1;
else console.log(`architecture: ${modules} modules under src, no forbidden import`);
