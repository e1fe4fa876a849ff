import type { Metrics } from '../../types.js';
import { bytes, double, float, integer, message } from './protobuf.js';

/** Messages of TensorBoard's event.proto, summary.proto and tensor.proto; the numbers are their fields' numbers. */

const sessionStart = 1;
const stringType = 7;
const tensorData = 2;

/** What an event file begins with. */
export function fileVersionEvent(wallTime: number): Buffer {
  return message(double(1, wallTime), bytes(3, 'brain.Event:2'));
}

/** Says that the run begins anew at this step: what earlier files tell of it and of later steps counts no more. */
export function sessionStartEvent(wallTime: number, step: number): Buffer {
  return message(double(1, wallTime), integer(2, step), bytes(7, integer(1, sessionStart)));
}

/** The metrics as scalars, in float32. */
export function scalarsEvent(wallTime: number, step: number, metrics: Metrics): Buffer {
  const values = Object.entries(metrics).map(([tag, value]) => bytes(1, message(bytes(1, tag), float(2, value))));
  return message(double(1, wallTime), integer(2, step), bytes(5, message(...values)));
}

/** A column of texts, each read as Markdown. */
export function textEvent(wallTime: number, step: number, { tag, texts }: { tag: string; texts: string[] }): Buffer {
  const shape = bytes(2, integer(1, texts.length));
  const tensor = message(integer(1, stringType), bytes(2, shape), ...texts.map((text) => bytes(8, text)));
  const metadata = message(bytes(1, bytes(1, 'text')), integer(4, tensorData));
  const value = message(bytes(1, tag), bytes(8, tensor), bytes(9, metadata));
  return message(double(1, wallTime), integer(2, step), bytes(5, bytes(1, value)));
}
