// SPDX-License-Identifier: Apache-2.0
// What the proofs' harnesses share. A harness has clk_i, and rst_ni where the design has it.
//
// PROVE(Name, Condition): Condition holds in every cycle; in a cover task nothing. It is about the
// cycle itself, not about a register that keeps it: so an invariant can be inductive as it stands.
// REACH(Count, Conditions): in a cover task, one run reaches each of the Count bits of the vector
// Conditions at some time after the first reset, outside of any: it is asserted that no run does,
// and the task expects to fail.
// LEMMA(Name, Condition), CLAIM(Name, Condition): a proof in two tasks. With LEMMAS defined a LEMMA
// is a PROVE and a CLAIM nothing; without, every LEMMA is assumed and a CLAIM is a PROVE.
// RESET_FIRST: every register that has no initial value is arbitrary at the start; the first cycle
// is in reset, and reset may come again whenever it likes. So all that is proved holds after one
// cycle of reset from every state.
`ifndef FORMAL_SVH_
`define FORMAL_SVH_

`define RESET_FIRST \
  logic started_q = 1'b0; \
  always_ff @(posedge clk_i) started_q <= 1'b1; \
  always_comb if (!started_q) assume (!rst_ni); \
  wire in_run = started_q & rst_ni;

// NO_RESET: instead, where the design has none.
`define NO_RESET \
  wire in_run = 1'b1;

`ifdef COVER
`define PROVE(Name, Condition)
`define REACH(Count, Conditions) \
  logic [Count-1:0] reached_q = {Count{1'b0}}; \
  always_ff @(posedge clk_i) if (in_run) reached_q <= reached_q | (Conditions); \
  always_comb assert (!(&reached_q));
`else
`define PROVE(Name, Condition) \
  always_comb begin : Name \
    assert (Condition); \
  end
`define REACH(Count, Conditions)
`endif

`ifdef LEMMAS
`define LEMMA(Name, Condition) `PROVE(Name, Condition)
`define CLAIM(Name, Condition)
`else
`define LEMMA(Name, Condition) \
  always_comb assume (Condition);
`define CLAIM(Name, Condition) `PROVE(Name, Condition)
`endif

`endif
