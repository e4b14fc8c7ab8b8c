/**
 * Where nothing was handed over to it, it preserves this much of random bytes, as with pages of 4 KiB; with pages of 64 KiB it
 * makes 1 GiB by itself, which takes 20 s under emulation (lib/test_kho.c, 7.3: max_mem).
 */
export const sparingParameter = 'test_kho.max_mem=8388608';
