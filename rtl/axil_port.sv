// SPDX-License-Identifier: Apache-2.0
// The subordinate side of AXI4-Lite: turns its five channels into one write and one read strobe.
//
// Addresses and write data come independently, in any order, and queue two deep each; a write is
// carried out (write_o, for one cycle) when both are there, a read when its address is. What the
// registers say in that same cycle (data, error) is the response: OKAY, or SLVERR with read data 0.
// Full rate: one write and one read a cycle while the manager takes the responses and write_ready_i
// is high. Writes keep
// their order and so do reads; between the two there is none. Every AXI output depends on state
// only. It does not decode addresses: registers do.
`default_nettype none
`include "assertions.svh"

module axil_port #(
  parameter int AddrWidth = 8  // bits of a byte address, at least 3; the two low ones are ignored
) (
  input  wire                 clk_i,
  input  wire                 rst_ni,  // synchronous, active low
  // AXI4-Lite, 32 bits of data
  input  wire [AddrWidth-1:0] s_axil_awaddr,
  input  wire                 s_axil_awvalid,
  output wire                 s_axil_awready,
  input  wire [31:0]          s_axil_wdata,
  input  wire [3:0]           s_axil_wstrb,
  input  wire                 s_axil_wvalid,
  output wire                 s_axil_wready,
  output wire [1:0]           s_axil_bresp,
  output wire                 s_axil_bvalid,
  input  wire                 s_axil_bready,
  input  wire [AddrWidth-1:0] s_axil_araddr,
  input  wire                 s_axil_arvalid,
  output wire                 s_axil_arready,
  output wire [31:0]          s_axil_rdata,
  output wire [1:0]           s_axil_rresp,
  output wire                 s_axil_rvalid,
  input  wire                 s_axil_rready,
  // Registers
  input  wire                 write_ready_i,  // a write may be carried out; not from write_o
  output wire                 write_o,        // carry this write out
  output wire [AddrWidth-3:0] write_word_o,   // word address
  output wire [31:0]          write_data_o,
  output wire [3:0]           write_strb_o,   // bytes to write
  input  wire                 write_error_i,  // combinational: answer SLVERR
  output wire                 read_o,         // this read is being answered
  output wire [AddrWidth-3:0] read_word_o,    // word address
  input  wire [31:0]          read_data_i,    // combinational
  input  wire                 read_error_i    // combinational: answer SLVERR
);

  localparam logic [1:0] RespOkay   = 2'b00;
  localparam logic [1:0] RespSlvErr = 2'b10;

  `REQUIRE(LegalAddrWidth, AddrWidth >= 3,
           "axil_port: AddrWidth must be at least 3")

  wire aw_valid, w_valid, ar_valid;

  stream_register #(
    .Width (AddrWidth - 2)
  ) u_aw (
    .clk_i   (clk_i),
    .rst_ni  (rst_ni),
    .valid_i (s_axil_awvalid),
    .ready_o (s_axil_awready),
    .data_i  (s_axil_awaddr[AddrWidth-1:2]),
    .valid_o (aw_valid),
    .ready_i (write_o),
    .data_o  (write_word_o)
  );

  stream_register #(
    .Width (36)
  ) u_w (
    .clk_i   (clk_i),
    .rst_ni  (rst_ni),
    .valid_i (s_axil_wvalid),
    .ready_o (s_axil_wready),
    .data_i  ({s_axil_wstrb, s_axil_wdata}),
    .valid_o (w_valid),
    .ready_i (write_o),
    .data_o  ({write_strb_o, write_data_o})
  );

  stream_register #(
    .Width (AddrWidth - 2)
  ) u_ar (
    .clk_i   (clk_i),
    .rst_ni  (rst_ni),
    .valid_i (s_axil_arvalid),
    .ready_o (s_axil_arready),
    .data_i  (s_axil_araddr[AddrWidth-1:2]),
    .valid_o (ar_valid),
    .ready_i (read_o),
    .data_o  (read_word_o)
  );

  logic        bvalid_q, rvalid_q;
  logic [1:0]  bresp_q, rresp_q;
  logic [31:0] rdata_q;

  assign write_o = aw_valid & w_valid & write_ready_i & (~bvalid_q | s_axil_bready);
  assign read_o  = ar_valid & (~rvalid_q | s_axil_rready);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      bvalid_q <= 1'b0;
      rvalid_q <= 1'b0;
    end else begin
      if (~bvalid_q | s_axil_bready) bvalid_q <= write_o;
      if (~rvalid_q | s_axil_rready) rvalid_q <= read_o;
    end
  end

  always_ff @(posedge clk_i) begin
    if (write_o) bresp_q <= write_error_i ? RespSlvErr : RespOkay;
    if (read_o) begin
      rresp_q <= read_error_i ? RespSlvErr : RespOkay;
      rdata_q <= read_error_i ? 32'd0 : read_data_i;
    end
  end

  assign s_axil_bvalid = bvalid_q;
  assign s_axil_bresp  = bresp_q;
  assign s_axil_rvalid = rvalid_q;
  assign s_axil_rresp  = rresp_q;
  assign s_axil_rdata  = rdata_q;

  wire unused_low_bits = ^{s_axil_awaddr[1:0], s_axil_araddr[1:0]};

endmodule

`default_nettype wire
