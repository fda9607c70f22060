/** `3`: three tools. `53x25`: 53 tools of 25 fields each. `500`: the three tools among 500. */
export type Toolset = '3' | '53x25' | '500';
export const TOOLSETS: readonly Toolset[] = ['3', '53x25', '500'];

/** What every contender calls itself. */
export const SERVER_INFO = { name: 'bench-server', version: '1.0.0', description: 'Tools of the benchmark' };

export const FIELDS_PER_TOOL = 25;

/** The name of the tool that the ordinary call scenarios use. */
export function calledTool(toolset: Toolset): string {
  return toolset === '53x25' ? 'wide_tool_27' : 'record_item';
}
