import type { Toolset } from '../servers/toolsets.ts';
import { expectedAnswer } from './answers.ts';
import { requestOf, SCENARIOS, type Scenario, variantsOf } from './scenarios.ts';

/**
 * The answer that the contenders with fixed bytes give: the scenario's right answer of median length.
 *
 * @throws {RangeError} Unknown scenario.
 */
export async function fixedAnswer(toolset: Toolset, scenario: string): Promise<string> {
  if (!SCENARIOS.includes(scenario as Scenario)) {
    throw new RangeError(`scenario: one of ${SCENARIOS.join(', ')}, not ${JSON.stringify(scenario)}`);
  }
  const known = scenario as Scenario;
  const answers: string[] = [];
  const variants = known === 'list-modern' ? 1 : variantsOf(known);
  for (let index = 0; index < variants; index++) {
    answers.push(JSON.stringify(await expectedAnswer(toolset, known, requestOf(toolset, known, index))));
  }
  answers.sort((a, b) => a.length - b.length);
  return answers[Math.floor(answers.length / 2)] as string;
}
