/** Why a head or a body was not understood: the status that the client gets and one sentence that names the part. */
export type Refusal = { status: number; sentence: string };

export function refusal(status: number, sentence: string): Refusal {
  return { status, sentence };
}
