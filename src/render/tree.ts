export interface Tree {
  readonly text: string;
  readonly children?: readonly Tree[];
}

/** A tree as people draw it, one line per node. */
export function treeText(tree: Tree): string[] {
  return [tree.text, ...branches(tree.children ?? [], '')];
}

function branches(children: readonly Tree[], indent: string): string[] {
  return children.flatMap((child, i) => {
    const last = i === children.length - 1;
    return [
      `${indent}${last ? '└─ ' : '├─ '}${child.text}`,
      ...branches(child.children ?? [], `${indent}${last ? '   ' : '│  '}`),
    ];
  });
}
