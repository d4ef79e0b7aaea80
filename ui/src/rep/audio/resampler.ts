/**
 * Any sample rate to another, as a stream: a windowed-sinc filter bank, because simply taking every third sample would fold
 * what lies above 8 kHz back into the speech that the recogniser hears.
 */

/** Zero crossings of the sinc on each side: more means a steeper edge and more work. 32 costs 3 million products a second at 48 kHz. */
const CROSSINGS = 32;
/** The Kaiser window's shape: the stop band lies 80 dB down. */
const BETA = 7.857;
const STOP_DB = 80;

export class Resampler {
  /** Output sample n lies at input position n × step / phases. */
  private readonly phases: number;
  private readonly step: number;
  private readonly taps: number;
  /** One filter for each fraction of an input sample that an output can fall on. */
  private readonly bank: Float32Array[];
  private held: Float32Array;
  /** Where the next output's first tap lies, in `held`, in units of 1/phases of an input sample. */
  private at = 0;

  constructor(
    readonly inputRate: number,
    readonly outputRate: number,
  ) {
    if (!(Number.isInteger(inputRate) && Number.isInteger(outputRate) && inputRate > 0 && outputRate > 0)) {
      throw new RangeError("sample rates are whole numbers above 0");
    }
    const common = gcd(inputRate, outputRate);
    this.phases = outputRate / common;
    this.step = inputRate / common;
    const narrowing = Math.max(1, inputRate / outputRate);
    this.taps = 2 * Math.ceil(CROSSINGS * narrowing);
    this.bank = bankOf(this.phases, this.taps, inputRate, outputRate);
    // The first output's filter reaches half its length before the first sample: there is silence.
    this.held = new Float32Array(this.taps / 2 - 1);
  }

  /** The output that `input` completes; the rest comes with the next call. */
  push(input: Float32Array): Float32Array {
    const held = new Float32Array(this.held.length + input.length);
    held.set(this.held);
    held.set(input, this.held.length);
    const made = new Float32Array(
      Math.max(0, Math.ceil(((held.length - this.taps + 1) * this.phases - this.at) / this.step)),
    );
    let count = 0;
    while (true) {
      const first = Math.floor(this.at / this.phases);
      if (first + this.taps > held.length) break;
      const filter = this.bank[this.at % this.phases] as Float32Array;
      let sum = 0;
      for (let tap = 0; tap < this.taps; tap++) sum += (held[first + tap] as number) * (filter[tap] as number);
      made[count++] = sum;
      this.at += this.step;
    }
    const used = Math.min(Math.floor(this.at / this.phases), held.length);
    this.held = held.slice(used);
    this.at -= used * this.phases;
    return made.subarray(0, count);
  }

  /** The last outputs, whose filters reach behind the end. */
  flush(): Float32Array {
    return this.push(new Float32Array(this.taps / 2));
  }
}

function bankOf(phases: number, taps: number, inputRate: number, outputRate: number): Float32Array[] {
  // The stop band begins at half the lower rate, so the edge's middle lies half a transition below.
  const transition = ((STOP_DB - 8) / (2.285 * 2 * Math.PI * taps)) * inputRate;
  const cutoff = (Math.min(inputRate, outputRate) / 2 - transition / 2) / inputRate;
  return Array.from({ length: phases }, (_, phase) => {
    const filter = new Float32Array(taps);
    let sum = 0;
    for (let tap = 0; tap < taps; tap++) {
      const distance = tap - (taps / 2 - 1) - phase / phases;
      const value = sinc(2 * cutoff * distance) * kaiser(distance / (taps / 2));
      filter[tap] = value;
      sum += value;
    }
    // Every phase passes a constant unchanged; else the phases would sound as a tone.
    return filter.map((value) => value / sum);
  });
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

function kaiser(x: number): number {
  return Math.abs(x) >= 1 ? 0 : bessel(BETA * Math.sqrt(1 - x * x)) / bessel(BETA);
}

function bessel(x: number): number {
  let sum = 1;
  let term = 1;
  for (let k = 1; term > sum * 1e-12; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}
