// What the views of the catalog read, and the lines in which two files differ.
export interface CatalogType {
  type: string;
  type_code: string;
  name: string;
  domain: string;
  definer_name: string;
  validity_years: number;
  version: number;
  fields: { key: string; name: string; kind: string; required: boolean }[];
  scenes: { code: string; name: string; name_en: string; audience: string }[];
}

export interface DrawnType {
  type: string;
  name: string;
  version: number;
  published: number;
  file: string;
  masks: Record<string, Record<string, string>>;
  picture: string;
}

export interface CatalogProposal {
  proposal_id: string;
  type: string;
  version: number;
  proposed_by: string;
  proposed_at: string;
}

export interface Line {
  mark: "" | "+" | "-";
  text: string;
}

/** More lines than this are not compared one by one: the table of a comparison grows with their product. */
const MOST_LINES = 2000;

/** The lines that were taken away and added, with what stands around them left out. */
export function differences(before: string, after: string): Line[] {
  const [a, b] = [before.split("\n"), after.split("\n")];
  let head = 0;
  while (head < Math.min(a.length, b.length) && a[head] === b[head]) head += 1;
  let tail = 0;
  while (tail < Math.min(a.length, b.length) - head && a.at(-1 - tail) === b.at(-1 - tail)) tail += 1;
  const [old, fresh] = [a.slice(head, a.length - tail), b.slice(head, b.length - tail)];
  if (old.length > MOST_LINES || fresh.length > MOST_LINES) {
    return [...old.map((text): Line => ({ mark: "-", text })), ...fresh.map((text): Line => ({ mark: "+", text }))];
  }
  return walked(old, fresh).filter((line) => line.mark);
}

/** The longest common lines of both, and what is not in them. */
function walked(old: string[], fresh: string[]): Line[] {
  const width = fresh.length + 1;
  const common = new Uint16Array((old.length + 1) * width);
  const at = (i: number, j: number) => common[i * width + j] ?? 0;
  for (let i = old.length - 1; i >= 0; i -= 1) {
    for (let j = fresh.length - 1; j >= 0; j -= 1) {
      common[i * width + j] = old[i] === fresh[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const lines: Line[] = [];
  let [i, j] = [0, 0];
  while (i < old.length || j < fresh.length) {
    if (i < old.length && j < fresh.length && old[i] === fresh[j]) {
      lines.push({ mark: "", text: old[i] ?? "" });
      i += 1;
      j += 1;
    } else if (j >= fresh.length || (i < old.length && at(i + 1, j) >= at(i, j + 1))) {
      lines.push({ mark: "-", text: old[i] ?? "" });
      i += 1;
    } else {
      lines.push({ mark: "+", text: fresh[j] ?? "" });
      j += 1;
    }
  }
  return lines;
}
