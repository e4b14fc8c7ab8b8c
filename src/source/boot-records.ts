import { ARCHES, type Arch } from '../abi/arch.ts';
import { ARCHITECTURES } from '../arch/architectures.ts';
import { readChosen } from '../arch/arm64/chosen.ts';
import { readSetupData } from '../arch/x86_64/setup-data.ts';
import type { ScanHits } from '../formats/dump.ts';
import type { PhysicalMemory } from '../memory/physical-memory.ts';
import type { ChosenRecord, SetupDataRecord } from '../model/image.ts';

/** A boot record somewhere in memory: the one a receiver will get, or what an older boot left. */
export type FoundRecord = (SetupDataRecord | ChosenRecord) & {
  /** Where it stands: of the setup_data record, or of the device tree. */
  readonly phys: bigint;
};

/** @param trees pages where a device tree may begin */
export function findRecords(
  memory: PhysicalMemory,
  { records }: ScanHits,
  trees: readonly bigint[],
): FoundRecord[] {
  const chosen = trees.flatMap((phys) => {
    const record = readChosen(memory, phys);
    return record ? [{ ...record, phys }] : [];
  });
  return [...records.map((phys) => ({ ...readSetupData(memory, phys), phys })), ...chosen];
}

/** The architecture that has this kind of record, where only one has. */
export function archOfRecord(kind: FoundRecord['kind']): Arch | undefined {
  const [arch, ...others] = ARCHES.filter((one) => ARCHITECTURES[one].recordKind === kind);
  return others.length === 0 ? arch : undefined;
}
