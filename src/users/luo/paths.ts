/** Where LUO's structures are in the paths of a spec, whatever a kernel calls the node. */
export const PATH = 'LUO';

export const SESSIONS_PATH = `${PATH}/sessions`;
export const sessionPath = (session: number) => `${SESSIONS_PATH}[${session}]`;
export const filesPath = (session: number) => `${sessionPath(session)}/files`;
export const filePath = (session: number, file: number) => `${filesPath(session)}[${file}]`;
export const FLBS_PATH = `${PATH}/flbs`;
export const flbPath = (flb: number) => `${FLBS_PATH}[${flb}]`;
/** A page of a chain of blocks, which lists what is at `path`. */
export const blockPath = (path: string, block: number) => `${path}/blocks[${block}]`;
/** What a handler hands over for a file or an FLB. */
export const statePath = (path: string, key: string) => `${path}/${key}`;
