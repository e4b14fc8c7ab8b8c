/** A boot record of this type stands for none: nothing was handed over. */
export const SETUP_NONE = 0;

/** Type of the setup_data record that carries random bytes (arch/x86/include/uapi/asm/setup_data.h, 7.3). */
export const SETUP_RNG_SEED = 9;
