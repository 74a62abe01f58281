// SPDX-License-Identifier: Apache-2.0
// Beats of a maximal-length sequence: bit n + Length is bit n ^ bit n + Tap, the first Length bits
// are Seed from its bit 0 on, and bit i of beat j is bit j * Width + i of the sequence.
//
// The polynomial is x^Length + x^Tap + 1; 17 and 3, 31 and 3, 63 and 31 are primitive.
// data_o is a register; a step takes one cycle, whatever the width. Reset goes back to beat 0.
`default_nettype none
`include "assertions.svh"

module lfsr #(
  parameter int                Length = 63,
  parameter int                Tap    = 31,          // 1..Length - 1
  parameter int                Width  = 64,          // bits of a beat
  parameter logic [Length-1:0] Seed   = Length'(1)   // not 0
) (
  input  wire             clk_i,
  input  wire             rst_ni,  // synchronous, active low
  input  wire             step_i,  // to the next beat
  output wire [Width-1:0] data_o
);

  // Bits of the sequence that are held: as many as a beat has and as the next ones come from.
  localparam int Held = Length > Width ? Length : Width;

  `REQUIRE(LegalSize, Width >= 1 && Tap >= 1 && Tap < Length,
           "lfsr: Width must be at least 1, Tap 1..Length - 1")
  `REQUIRE(LegalSeed, Seed != '0,
           "lfsr: Seed must not be 0")

  // What is held at beat 0.
  function automatic logic [Held-1:0] first(input logic [Length-1:0] seed);
    first = Held'(seed);
    for (int i = Length; i < Held; i++) first[i] = first[i-Length] ^ first[i-Length+Tap];
  endfunction

  // What is held a beat later.
  function automatic logic [Held-1:0] next(input logic [Held-1:0] held);
    logic [Held+Width-1:0] bits;
    bits = (Held+Width)'(held);
    for (int i = Held; i < Held + Width; i++) bits[i] = bits[i-Length] ^ bits[i-Length+Tap];
    next = Held'(bits >> Width);
  endfunction

  logic [Held-1:0] held_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) held_q <= first(Seed);
    else if (step_i) held_q <= next(held_q);
  end

  assign data_o = held_q[Width-1:0];

endmodule

`default_nettype wire
