// SPDX-License-Identifier: Apache-2.0
// A ready/valid register of two places: full rate, both directions registered.
//
// valid_o and ready_o depend on state only, so it cuts the valid, data and ready paths. ready_o is
// low in reset and, afterwards, exactly while both places are taken. Data has no reset.
`default_nettype none
`include "assertions.svh"

module stream_register #(
  parameter int Width = 8  // bits of a beat
) (
  input  wire             clk_i,
  input  wire             rst_ni,   // synchronous, active low
  // In
  input  wire             valid_i,
  output wire             ready_o,
  input  wire [Width-1:0] data_i,
  // Out
  output wire             valid_o,
  input  wire             ready_i,
  output wire [Width-1:0] data_o
);

  `REQUIRE(LegalWidth, Width >= 1,
           "stream_register: Width must be at least 1")

  logic valid_q, spare_valid_q, ready_q;
  logic [Width-1:0] data_q, spare_q;

  wire push = valid_i & ready_q;
  wire pop  = valid_q & ready_i;
  // The output place is free for a beat at the next edge.
  wire free = ~valid_q | ready_i;

  wire spare_valid_d = spare_valid_q ? ~pop : push & ~free;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      valid_q       <= 1'b0;
      spare_valid_q <= 1'b0;
      ready_q       <= 1'b0;
    end else begin
      if (free) valid_q <= spare_valid_q | push;
      spare_valid_q <= spare_valid_d;
      ready_q       <= ~spare_valid_d;
    end
  end

  always_ff @(posedge clk_i) begin
    if (free) data_q <= spare_valid_q ? spare_q : data_i;
    if (push) spare_q <= data_i;
  end

  assign ready_o = ready_q;
  assign valid_o = valid_q;
  assign data_o  = data_q;

  `ASSERT(SpareBehindOutput, !spare_valid_q || valid_q)
  `ASSERT(NeverReadyWithSpareTaken, !(spare_valid_q && ready_q))

endmodule

`default_nettype wire
