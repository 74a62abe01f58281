// SPDX-License-Identifier: Apache-2.0
// Stands in a stream and, after a reset of what is behind it, discards the packets that are still
// owed to it: beats up to and including as many TLASTs. Passes everything through otherwise.
//
// clear_i adds owed_i packets, less the one that ended_i tells, to what is left to discard;
// flush_i, which acts after clear_i, ends the discarding. More than 14 packets count as endless:
// only flush_i ends that. In the cycle after a clear_i that adds some, ready_i must be low. ready_o
// and valid_o depend on state and on the other side of the stream; it does not cut any path.
`default_nettype none
`include "assertions.svh"

module stream_discard (
  input  wire       clk_i,
  input  wire       rst_ni,  // synchronous, active low
  input  wire       clear_i,
  input  wire [3:0] owed_i,   // with clear_i: packets whose last beat was not accepted before
  input  wire       ended_i,  // with clear_i: one of these last beats is accepted in this cycle
  input  wire       flush_i,
  // In
  input  wire       valid_i,
  output wire       ready_o,
  input  wire       last_i,
  // Out
  output wire       valid_o,
  input  wire       ready_i,
  // Status
  output wire       discarding_o
);

  localparam logic [3:0] Endless = 4'd15;

  // What clear_i adds joins the rest a cycle later, which cuts the path from the core's counters.
  logic [3:0] left_q, added_q;
  logic       ended_q;
  wire [4:0] left       = {1'b0, left_q} + {1'b0, added_q} - 5'(ended_q);
  wire       endless    = left >= {1'b0, Endless};
  wire       discarding = left_q != 4'd0;
  wire       ended      = discarding & valid_i & last_i;

  always_ff @(posedge clk_i) begin
    if (!rst_ni || flush_i) begin
      left_q  <= 4'd0;
      added_q <= 4'd0;
      ended_q <= 1'b0;
    end else begin
      left_q  <= endless ? Endless : left[3:0] - 4'(ended);
      added_q <= clear_i ? owed_i : 4'd0;
      ended_q <= clear_i & ended_i;
    end
  end

  assign ready_o      = discarding | ready_i;
  assign valid_o      = valid_i & ~discarding;
  assign discarding_o = discarding | (added_q != 4'd0);

  `ASSERT(NothingPassesUncounted, added_q == 4'd0 || !ready_i)
  `ASSERT(EndedIsOwed, !(clear_i && ended_i) || owed_i != 4'd0)

endmodule

`default_nettype wire
