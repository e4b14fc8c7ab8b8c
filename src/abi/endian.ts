export type Endian = 'little' | 'big';
