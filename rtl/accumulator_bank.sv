// SPDX-License-Identifier: Apache-2.0
// Adds up the column sums of a command's K tiles: read, register, add, register, write.
//
// Vectors arrive in order; a vector's place is its position since the last end_i, so the bank needs
// no address from outside. The tags of a vector arrive two cycles before its sums. A first vector
// overwrites its place, a last one goes to result_o and is not written back (a vector may be both).
// Results appear three cycles after their tags, four with SplitAdd: the upper half of a sum is then
// read, added and written one cycle after the lower one, so that no carry runs through both halves.
// A place must not be used again within 4 cycles unless by a first vector: the sequencer keeps that
// window, this module does not check it. Data has no reset.
`default_nettype none
`include "assertions.svh"

module accumulator_bank #(
  parameter int Cols     = 16,   // lanes
  parameter int SumWidth = 12,   // bits of an incoming sum, two's complement
  parameter int AccWidth = 32,   // bits of a running sum; it wraps, the host bounds K
  parameter int AccDepth = 256,  // places, at least 4
  parameter bit SplitAdd = 1'b0  // 1: add in two cycles, half of the bits in each
) (
  input  wire                     clk_i,
  input  wire                     rst_ni,       // synchronous, active low
  // Tags of the vector whose sums arrive two cycles later
  input  wire                     valid_i,
  input  wire                     first_i,      // first K tile: overwrite
  input  wire                     last_i,       // last K tile: emit
  input  wire                     end_i,        // last vector of its tile: back to place 0
  input  wire                     marker_i,     // carried along to marker_o
  input  wire [Cols*SumWidth-1:0] sum_i,
  // Results
  output wire                     valid_o,
  output wire [Cols*AccWidth-1:0] result_o,
  output wire                     end_o,
  output wire                     marker_o
);

  localparam int AddrWidth = $clog2(AccDepth);

  `REQUIRE(LegalCols, Cols >= 1,
           "accumulator_bank: Cols must be at least 1")
  `REQUIRE(LegalWidth, AccWidth >= SumWidth,
           "accumulator_bank: AccWidth must not be below SumWidth")
  `REQUIRE(LegalDepth, AccDepth >= 4,
           "accumulator_bank: AccDepth must be at least 4")

  // {first, last, end, marker} and the place travel with the vector; stage 2 meets its sums.
  logic [AddrWidth-1:0] addr_q, addr1_q, addr2_q, addr3_q;
  logic [3:0]           tag1_q, tag2_q, tag3_q;
  logic                 valid1_q, valid2_q, valid3_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      addr_q   <= '0;
      valid1_q <= 1'b0;
      valid2_q <= 1'b0;
      valid3_q <= 1'b0;
    end else begin
      if (valid_i) addr_q <= end_i ? '0 : addr_q + 1'b1;
      valid1_q <= valid_i;
      valid2_q <= valid1_q;
      valid3_q <= valid2_q;
    end
  end

  always_ff @(posedge clk_i) begin
    tag1_q  <= {first_i, last_i, end_i, marker_i};
    tag2_q  <= tag1_q;
    tag3_q  <= tag2_q;
    addr1_q <= addr_q;
    addr2_q <= addr1_q;
    addr3_q <= addr2_q;
  end

  wire write = valid3_q & ~tag3_q[2];

  // The lower bits, or all of them: stages 0 (read) to 3 (write).
  localparam int LowWidth = SplitAdd ? AccWidth / 2 : AccWidth;
  wire  [Cols*LowWidth-1:0] low_stored;
  wire                      low_nonzero;
  logic [Cols*LowWidth-1:0] low_q;

  ram_1r1w #(
    .Width (Cols * LowWidth),
    .Depth (AccDepth)
  ) u_ram (
    .clk_i          (clk_i),
    .rst_ni         (rst_ni),
    .write_i        (write),
    .write_addr_i   (addr3_q),
    .write_data_i   (low_q),
    .read_i         (valid_i & ~first_i),
    .read_addr_i    (addr_q),
    .out_enable_i   (1'b1),
    .out_zero_i     (tag1_q[3]),
    .read_data_o    (low_stored),
    .read_nonzero_o (low_nonzero)
  );

  if (!SplitAdd) begin : gen_whole
    for (genvar c = 0; c < Cols; c++) begin : gen_lane
      wire [AccWidth-1:0] next;
      ternary_add #(
        .ActWidth    (AccWidth),
        .SumInWidth  (SumWidth),
        .SumOutWidth (AccWidth)
      ) u_add (
        .act_i     (low_stored[c*AccWidth+:AccWidth]),
        .nonzero_i (low_nonzero),
        .negate_i  (1'b0),
        .psum_i    (sum_i[c*SumWidth+:SumWidth]),
        .sum_o     (next)
      );
      always_ff @(posedge clk_i) low_q[c*AccWidth+:AccWidth] <= next;
    end

    wire unused_first = tag3_q[3];

    assign valid_o  = valid3_q & tag3_q[2];
    assign result_o = low_q;
    assign end_o    = tag3_q[1];
    assign marker_o = tag3_q[0];
  end else begin : gen_split
    // The upper bits: stages 1 to 4.
    localparam int HighWidth = AccWidth - LowWidth;
    wire  [Cols*HighWidth-1:0] high_stored;
    wire                       high_nonzero;
    logic [Cols*HighWidth-1:0] high_q;
    logic [AddrWidth-1:0]      addr4_q;
    logic [3:0]                tag4_q;
    logic                      valid4_q, write4_q;

    always_ff @(posedge clk_i) begin
      if (!rst_ni) begin
        valid4_q <= 1'b0;
        write4_q <= 1'b0;
      end else begin
        valid4_q <= valid3_q & tag3_q[2];
        write4_q <= write;
      end
    end

    always_ff @(posedge clk_i) begin
      addr4_q <= addr3_q;
      tag4_q  <= tag3_q;
    end

    ram_1r1w #(
      .Width (Cols * HighWidth),
      .Depth (AccDepth)
    ) u_high_ram (
      .clk_i          (clk_i),
      .rst_ni         (rst_ni),
      .write_i        (write4_q),
      .write_addr_i   (addr4_q),
      .write_data_i   (high_q),
      .read_i         (valid1_q & ~tag1_q[3]),
      .read_addr_i    (addr1_q),
      .out_enable_i   (1'b1),
      .out_zero_i     (tag2_q[3]),
      .read_data_o    (high_stored),
      .read_nonzero_o (high_nonzero)
    );

    for (genvar c = 0; c < Cols; c++) begin : gen_lane
      wire [SumWidth-1:0]  sum     = sum_i[c*SumWidth+:SumWidth];
      wire [AccWidth-1:0]  addend  = {{(AccWidth-SumWidth){sum[SumWidth-1]}}, sum};
      logic [HighWidth-1:0] addend_q;
      logic [LowWidth-1:0]  low_done_q;
      logic                 carry_q;
      wire [LowWidth:0]  low;
      wire [HighWidth:0] high;
      wire unused_below = high[0];
      ternary_add #(
        .ActWidth    (LowWidth + 1),
        .SumInWidth  (LowWidth + 1),
        .SumOutWidth (LowWidth + 1)
      ) u_low_add (
        .act_i     ({1'b0, low_stored[c*LowWidth+:LowWidth]}),
        .nonzero_i (low_nonzero),
        .negate_i  (1'b0),
        .psum_i    ({1'b0, addend[LowWidth-1:0]}),
        .sum_o     (low)
      );
      // The carry enters below bit 0, so that one adder does. Nothing carries into a zero.
      ternary_add #(
        .ActWidth    (HighWidth + 1),
        .SumInWidth  (HighWidth + 1),
        .SumOutWidth (HighWidth + 1)
      ) u_high_add (
        .act_i     ({high_stored[c*HighWidth+:HighWidth], carry_q}),
        .nonzero_i (high_nonzero),
        .negate_i  (1'b0),
        .psum_i    ({addend_q, 1'b1}),
        .sum_o     (high)
      );
      always_ff @(posedge clk_i) begin
        {carry_q, low_q[c*LowWidth+:LowWidth]} <= low;
        addend_q   <= addend[AccWidth-1:LowWidth];
        low_done_q <= low_q[c*LowWidth+:LowWidth];
        high_q[c*HighWidth+:HighWidth] <= high[HighWidth:1];
      end
      assign result_o[c*AccWidth+:AccWidth] = {high_q[c*HighWidth+:HighWidth], low_done_q};
    end

    wire unused_tag = |tag4_q[3:2];

    assign valid_o  = valid4_q;
    assign end_o    = tag4_q[1];
    assign marker_o = tag4_q[0];
  end

endmodule

`default_nettype wire
