/** Where its structures are in the paths of a spec, whatever a kernel calls the node. */
export const PATH = 'memblock';

export const regionPath = (name: string) => `${PATH}/${name}`;
