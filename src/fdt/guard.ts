import type { Refusals } from './checks.ts';

interface OpenNode {
  readonly name: string;
  readonly properties: Set<string>;
  readonly children: Set<string>;
}

function openNode(name: string): OpenNode {
  return { name, properties: new Set(), children: new Set() };
}

/** Follows a sequential write and refuses the calls that no valid tree comes from. Names are as C sees them. */
export class TreeGuard {
  readonly #refusals: Refusals;
  readonly #label: string;
  /** What stands outside every node: the root is its child. */
  readonly #outside = openNode('');
  readonly #open: OpenNode[] = [];

  constructor(refusals: Refusals, label: string) {
    this.#refusals = refusals;
    this.#label = label;
  }

  get atTop(): boolean {
    return this.#open.length === 0;
  }

  /** Path of the innermost open node, e.g. `root-fdt/kho_test`, or of its child `name`. */
  path(name?: string): string {
    const names = this.#open.slice(1).map((node) => node.name);
    if (name !== undefined && !this.atTop) names.push(name);
    return `${this.#label}/${names.join('/')}`;
  }

  checkNode(name: string): void {
    const parent = this.#innermost();
    const at = this.path(name);
    if (this.atTop) {
      if (parent.children.size > 0) {
        this.#refusals.refuse('fdt-second-root', `node '${name}' follows the end of the root node`, at);
      }
      if (name !== '') this.#refusals.refuse('fdt-named-root', `the root node has the name '${name}'`, at);
    } else if (parent.children.has(name)) {
      this.#refusals.refuse('fdt-duplicate-node', `node ${this.path()} already has a child '${name}'`, at);
    }
  }

  beginNode(name: string): void {
    this.#innermost().children.add(name);
    this.#open.push(openNode(name));
  }

  checkProperty(name: string): void {
    const node = this.#innermost();
    const at = this.path();
    if (this.atTop) {
      this.#refusals.refuse('fdt-property-outside-node', `property '${name}' stands outside every node`, at);
    } else if (node.children.size > 0) {
      this.#refusals.refuse(
        'fdt-property-after-node',
        `property '${name}' follows a child of node ${at}`,
        at,
      );
    }
    if (node.properties.has(name)) {
      this.#refusals.refuse('fdt-duplicate-property', `node ${at} already has a property '${name}'`, at);
    }
  }

  addProperty(name: string): void {
    this.#innermost().properties.add(name);
  }

  checkEnd(): void {
    if (!this.atTop) return;
    this.#refusals.refuse('fdt-end-without-begin', 'a node ends, but none is open', this.path());
  }

  endNode(): void {
    this.#open.pop();
  }

  checkFinish(): void {
    if (!this.atTop) {
      const text = `${this.#open.length} nodes are still open, the innermost is ${this.path()}`;
      this.#refusals.refuse('fdt-unclosed-node', text, this.path());
    }
    if (this.#outside.children.size === 0) {
      this.#refusals.refuse('fdt-empty-tree', 'the tree has no root node', this.path());
    }
  }

  #innermost(): OpenNode {
    return this.#open.at(-1) ?? this.#outside;
  }
}
