/** F_SEAL_* by name (include/uapi/linux/fcntl.h, 7.3). */
export const SEALS = {
  seal: 0x1,
  shrink: 0x2,
  grow: 0x4,
  write: 0x8,
  future_write: 0x10,
  exec: 0x20,
} as const;
