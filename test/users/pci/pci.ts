import { z } from 'zod';
import { hex } from '../../../src/base/numbers.ts';
import { integer, U32_MAX } from '../../../src/base/spec-values.ts';
import type { Producer } from '../../../src/emit/producer.ts';
import type { HandledState, HandlerImage } from '../../../src/users/handler.ts';
import { codecs, type PciDevSer } from './abi.ts';

const device = z.strictObject({
  domain: integer(0, U32_MAX, 'PCI domain; default 0').optional(),
  bdf: integer(0, 0xffff, 'bus, device and function'),
  refcount: integer(0, 0xffff, 'files that need it; default 1').optional(),
});

export const schema = z.strictObject({
  max_devices: integer(0, 1 << 16, 'devices there is room for; default: as many as there are').optional(),
  devices: z.array(device).meta({ description: 'devices that stay as they are' }),
});

/** Structures: `<path>`, and `<path>/devices[i]`. @returns physical address of struct pci_ser */
export function emit(producer: Producer, path: string, spec: z.output<typeof schema>): bigint {
  const { head, device: codec } = codecs(producer.target);
  const { devices, max_devices = devices.length } = spec;
  const phys = producer.allocateFolioFor(path, BigInt(head.size + max_devices * codec.size));
  const values = { max_nr_devices: max_devices, nr_devices: devices.length };
  producer.memory.write(phys, head.encode(producer.overrides.struct(path, head, values)));
  devices.forEach(({ domain = 0, bdf, refcount = 1 }, i) => {
    const ser = producer.overrides.struct(`${path}/devices[${i}]`, codec, { domain, bdf, refcount });
    producer.memory.write(phys + BigInt(head.size + i * codec.size), codec.encode(ser));
  });
  return phys;
}

export function read(image: HandlerImage, phys: bigint, problems: string[]): HandledState | null {
  const { memory, target } = image;
  const { head, device: codec } = codecs(target);
  if (!memory.covers(phys, head.size)) {
    problems.push(`${hex(phys)} is not in the image`);
    return null;
  }
  const { max_nr_devices, nr_devices } = head.decode(memory.read(phys, head.size));
  if (nr_devices > max_nr_devices)
    problems.push(`${nr_devices} devices, there is room for ${max_nr_devices}`);
  const count = Math.min(nr_devices, max_nr_devices);
  const devices = Array.from({ length: count }, (_, i): PciDevSer => {
    const at = phys + BigInt(head.size + i * codec.size);
    return codec.decode(memory.read(at, codec.size));
  });
  return {
    fields: { max_nr_devices, nr_devices, devices: devices.map((one) => ({ ...one })) },
    facts: { devices: devices.map((one) => ({ ...one })) },
    respec(path) {
      const order = image.orderAt(phys);
      if (order === undefined) return undefined;
      const spec: z.input<typeof schema> = { max_devices: max_nr_devices, devices };
      return { spec, place: { [path]: phys }, claims: [[phys, order]] };
    },
  };
}
