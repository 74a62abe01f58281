// SPDX-License-Identifier: Apache-2.0
// The commands of the self-test, beat by beat, for one port of the core: every port has a walk of
// its own, from the same sequence, so that none waits for another.
//
// A command is one beat of an LFSR (x^17 + x^3 + 1): bit 0 N tiles - 1, [2:1] K tiles - 1, [4:3]
// mode (3 stands for 0), [5] a short command, from bit 6 on M - 1, of which a short one takes two
// bits. Outputs depend on state alone; beats_i and tiles_i say how much of the command that is
// shown the port moves.
`default_nettype none
`include "assertions.svh"

module self_test_walk #(
  parameter int AccDepth = 256,  // as the core
  parameter int Commands = 64,   // in all
  parameter int Width    = 9     // bits of beats_i
) (
  input  wire                          clk_i,
  input  wire                          rst_ni,    // synchronous, active low: command 0
  input  wire                          step_i,    // a beat was accepted; only with valid_o
  input  wire  [Width-1:0]             beats_i,   // of a tile, at least 1
  input  wire  [3:0]                   tiles_i,   // of the command, at least 1
  output logic                         valid_o,   // not all commands are through
  output wire  [$clog2(AccDepth+1)-1:0] m_o,
  output wire  [2:0]                   k_tiles_o, // 1..4
  output wire  [1:0]                   n_tiles_o, // 1..2
  output wire  [1:0]                   mode_o,    // 0..2
  output wire                          tile_end_o, // the beat is the last of its tile
  output wire                          end_o       // and of its command
);

  localparam int MWidth       = $clog2(AccDepth + 1);
  localparam int MBits        = MWidth - 1;  // M is at most 2^MBits <= AccDepth
  localparam int CommandWidth = $clog2(Commands + 1);

  `REQUIRE(LegalAccDepth, AccDepth >= 4,
           "self_test_walk: AccDepth must be at least 4")

  wire [MBits+5:0] command;
  lfsr #(
    .Length (17),
    .Tap    (3),
    .Width  (MBits + 6),
    .Seed   (17'h13198)  // of the digits of pi
  ) u_lfsr (
    .clk_i  (clk_i),
    .rst_ni (rst_ni),
    .step_i (step_i & end_o),
    .data_o (command)
  );

  wire [MBits-1:0] m_less_one = command[5] ? MBits'(command[7:6]) : command[6+:MBits];
  assign m_o       = MWidth'(m_less_one) + 1'b1;
  assign n_tiles_o = 2'(command[0]) + 2'd1;
  assign k_tiles_o = 3'(command[2:1]) + 3'd1;
  assign mode_o    = command[4:3] == 2'd3 ? 2'd0 : command[4:3];

  logic [Width-1:0]        beat_q;  // counts from 1, as the next two
  logic [3:0]              tile_q;
  logic [CommandWidth-1:0] command_q;
  assign tile_end_o = beat_q == beats_i;
  assign end_o      = tile_end_o & (tile_q == tiles_i);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      beat_q    <= Width'(1);
      tile_q    <= 4'd1;
      command_q <= CommandWidth'(1);
      valid_o   <= 1'b1;
    end else if (step_i) begin
      beat_q <= tile_end_o ? Width'(1) : beat_q + 1'b1;
      if (tile_end_o) tile_q <= end_o ? 4'd1 : tile_q + 1'b1;
      if (end_o) begin
        command_q <= command_q + 1'b1;
        valid_o   <= command_q != CommandWidth'(Commands);
      end
    end
  end

  `ASSERT(StepOfABeat, !step_i || valid_o)

endmodule

`default_nettype wire
