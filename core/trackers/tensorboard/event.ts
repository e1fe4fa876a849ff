import type { Metrics } from '../../types.js';
import { bytesField, doubleField, floatField, message, stringField, varintField } from '../protobuf.js';

/** Messages of TensorBoard's event.proto, summary.proto and tensor.proto; the numbers are their fields' numbers. */

const sessionStart = 1;
const stringType = 7;
const tensorData = 2;

/** What an event file begins with. */
export function fileVersionEvent(wallTime: number): Uint8Array {
  return message(doubleField(1, wallTime), stringField(3, 'brain.Event:2'));
}

/**
 * Says that the run begins anew at this step: what earlier files tell of it and of later steps counts no more.
 * The first file of a run has one too: TensorBoard's Python loader takes the first it meets for no restart.
 */
export function sessionStartEvent(wallTime: number, step: number): Uint8Array {
  return message(doubleField(1, wallTime), varintField(2, step), bytesField(7, varintField(1, sessionStart)));
}

/** The metrics as scalars, in float32. */
export function scalarsEvent(wallTime: number, step: number, metrics: Metrics): Uint8Array {
  const values = Object.entries(metrics).map(([tag, value]) =>
    bytesField(1, message(stringField(1, tag), floatField(2, value))),
  );
  return message(doubleField(1, wallTime), varintField(2, step), bytesField(5, message(...values)));
}

/** A column of texts, each read as Markdown. */
export function textEvent(
  wallTime: number,
  step: number,
  { tag, texts }: { tag: string; texts: string[] },
): Uint8Array {
  const shape = bytesField(2, varintField(1, texts.length));
  const tensor = message(
    varintField(1, stringType),
    bytesField(2, shape),
    ...texts.map((text) => stringField(8, text)),
  );
  const metadata = message(bytesField(1, stringField(1, 'text')), varintField(4, tensorData));
  const value = message(stringField(1, tag), bytesField(8, tensor), bytesField(9, metadata));
  return message(doubleField(1, wallTime), varintField(2, step), bytesField(5, bytesField(1, value)));
}
