/** The folios of a memfd at `path`, which are also the path of the list of them. */
export const foliosPath = (path: string) => `${path}/folios`;
export const folioPath = (path: string, index: number) => `${foliosPath(path)}[${index}]`;
