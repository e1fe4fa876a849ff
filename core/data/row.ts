import type { Json } from '../types.js';

/** A row of a data file, its columns by name. Where files of different columns are mixed, null says that a row lacks one. */
export type Row = { readonly [column: string]: Json };

/** A row and where it stands, so that messages can say so. */
export interface FileRow {
  readonly file: string;
  /** From 1. */
  readonly number: number;
  readonly row: Row;
}

/** `train.parquet row 3`, for messages. */
export function placeOf({ file, number }: Omit<FileRow, 'row'>): string {
  return `${file} row ${number}`;
}
