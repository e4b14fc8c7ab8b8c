/** The structures of a vmalloc area at `path`: blocks of pages, and the chunks that list them. */
export const pagesPath = (path: string) => `${path}/pages`;
export const pagePath = (path: string, index: number) => `${pagesPath(path)}[${index}]`;
export const chunkPath = (path: string, index: number) => `${path}/chunks[${index}]`;
