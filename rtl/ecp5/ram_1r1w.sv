// SPDX-License-Identifier: Apache-2.0
// ram_1r1w for Lattice ECP5: the block RAM's own output register is read_data_o. Yosys infers block
// RAMs without it, and the path from such a memory through fabric and adder sets the clock.
//
// Slices of 36 bits x 512 words; the four byte enables are address bits 0 to 3 of a 36-bit port
// (Lattice, ECP5 and ECP5-5G Memory User Guide). Half of a word leaves at the pins of port A, which
// is why both ports name the output register. Memories below 2,048 bits, which distributed memory
// serves, and above 512 words are left to Yosys.
`default_nettype none
`include "assertions.svh"

module ram_1r1w #(
  parameter int Width = 32,  // bits of a word
  parameter int Depth = 256  // words, at least 2
) (
  input  wire                     clk_i,
  input  wire                     rst_ni,  // for the assertion only
  input  wire                     write_i,
  input  wire [$clog2(Depth)-1:0] write_addr_i,
  input  wire [Width-1:0]         write_data_i,
  input  wire                     read_i,
  input  wire [$clog2(Depth)-1:0] read_addr_i,
  input  wire                     out_enable_i,
  input  wire                     out_zero_i,   // with out_enable_i: the word becomes 0
  output wire [Width-1:0]         read_data_o,
  output wire                     read_nonzero_o  // low: take read_data_o for 0
);

  `REQUIRE(LegalSize, Width >= 1 && Depth >= 2,
           "ram_1r1w: Width must be at least 1 and Depth at least 2")

  if (Depth <= 512 && Width * Depth >= 2048) begin : gen_blocks
    localparam int Slices = (Width + 35) / 36;
    wire [36*Slices-1:0] in_all = (36*Slices)'(write_data_i);
    wire [36*Slices-1:0] out_all;
    wire [8:0]           write_addr = 9'(write_addr_i);
    wire [8:0]           read_addr  = 9'(read_addr_i);

    for (genvar s = 0; s < Slices; s++) begin : gen_slice
      wire [35:0] in = in_all[36*s+:36];
      wire [35:0] out;
      assign out_all[36*s+:36] = out;

      DP16KD #(
        .DATA_WIDTH_A        (36),
        .DATA_WIDTH_B        (36),
        .REGMODE_A           ("OUTREG"),
        .REGMODE_B           ("OUTREG"),
        .RESETMODE           ("SYNC"),
        .ASYNC_RESET_RELEASE ("SYNC"),
        .CSDECODE_A          ("0b000"),
        .CSDECODE_B          ("0b000"),
        .GSR                 ("DISABLED")
      ) u_block (
        // Write
        .CLKA(clk_i), .CEA(write_i), .WEA(1'b1), .OCEA(out_enable_i), .RSTA(1'b0), .CSA0(1'b0),
        .CSA1(1'b0), .CSA2(1'b0),
        .ADA0(1'b1), .ADA1(1'b1), .ADA2(1'b1), .ADA3(1'b1), .ADA4(1'b0), .ADA5(write_addr[0]),
        .ADA6(write_addr[1]), .ADA7(write_addr[2]), .ADA8(write_addr[3]), .ADA9(write_addr[4]),
        .ADA10(write_addr[5]), .ADA11(write_addr[6]), .ADA12(write_addr[7]),
        .ADA13(write_addr[8]),
        .DIA0(in[0]), .DIA1(in[1]), .DIA2(in[2]), .DIA3(in[3]), .DIA4(in[4]), .DIA5(in[5]),
        .DIA6(in[6]), .DIA7(in[7]), .DIA8(in[8]), .DIA9(in[9]), .DIA10(in[10]), .DIA11(in[11]),
        .DIA12(in[12]), .DIA13(in[13]), .DIA14(in[14]), .DIA15(in[15]), .DIA16(in[16]),
        .DIA17(in[17]), .DIB0(in[18]), .DIB1(in[19]), .DIB2(in[20]), .DIB3(in[21]), .DIB4(in[22]),
        .DIB5(in[23]), .DIB6(in[24]), .DIB7(in[25]), .DIB8(in[26]), .DIB9(in[27]), .DIB10(in[28]),
        .DIB11(in[29]), .DIB12(in[30]), .DIB13(in[31]), .DIB14(in[32]), .DIB15(in[33]),
        .DIB16(in[34]), .DIB17(in[35]),
        // Read
        .CLKB(clk_i), .CEB(read_i), .WEB(1'b0), .OCEB(out_enable_i), .RSTB(1'b0), .CSB0(1'b0),
        .CSB1(1'b0), .CSB2(1'b0),
        .ADB0(1'b0), .ADB1(1'b0), .ADB2(1'b0), .ADB3(1'b0), .ADB4(1'b0), .ADB5(read_addr[0]),
        .ADB6(read_addr[1]), .ADB7(read_addr[2]), .ADB8(read_addr[3]), .ADB9(read_addr[4]),
        .ADB10(read_addr[5]), .ADB11(read_addr[6]), .ADB12(read_addr[7]), .ADB13(read_addr[8]),
        .DOA0(out[0]), .DOA1(out[1]), .DOA2(out[2]), .DOA3(out[3]), .DOA4(out[4]), .DOA5(out[5]),
        .DOA6(out[6]), .DOA7(out[7]), .DOA8(out[8]), .DOA9(out[9]), .DOA10(out[10]),
        .DOA11(out[11]), .DOA12(out[12]), .DOA13(out[13]), .DOA14(out[14]), .DOA15(out[15]),
        .DOA16(out[16]), .DOA17(out[17]), .DOB0(out[18]), .DOB1(out[19]), .DOB2(out[20]),
        .DOB3(out[21]), .DOB4(out[22]), .DOB5(out[23]), .DOB6(out[24]), .DOB7(out[25]),
        .DOB8(out[26]), .DOB9(out[27]), .DOB10(out[28]), .DOB11(out[29]), .DOB12(out[30]),
        .DOB13(out[31]), .DOB14(out[32]), .DOB15(out[33]), .DOB16(out[34]), .DOB17(out[35])
      );
    end

    // Whether RSTB spares the read latch, which the next word is in, is not said: not used.
    logic nonzero_q;
    always_ff @(posedge clk_i) if (out_enable_i) nonzero_q <= ~out_zero_i;
    assign read_data_o = out_all[Width-1:0];
    assign read_nonzero_o = nonzero_q;
    if (36 * Slices > Width) begin : gen_spare
      wire unused_out = ^out_all[36*Slices-1:Width];
    end
  end else begin : gen_inferred
    logic [Width-1:0] memory [0:Depth-1];
    logic [Width-1:0] latch_q, out_q;

    always_ff @(posedge clk_i) begin
      if (write_i) memory[write_addr_i] <= write_data_i;
      if (read_i) latch_q <= memory[read_addr_i];
      if (out_enable_i) out_q <= out_zero_i ? '0 : latch_q;
    end

    assign read_data_o = out_q;
    assign read_nonzero_o = 1'b1;
  end

  `ASSERT(NoReadOfWordBeingWritten, !(write_i && read_i && write_addr_i == read_addr_i))

  wire unused_rst = rst_ni;

endmodule

`default_nettype wire
