// SPDX-License-Identifier: Apache-2.0
// Watches an AXI4-Lite port, both sides of it, and ends the simulation (or fails the proof) when
// its rules are broken. Not synthesised.
//
// Rules, after the AMBA AXI specification: each of the five channels as axis_checker has it; a
// write response only after its address and its data were accepted, read data only after the
// address; never more responses than requests; no EXOKAY. At most 14 of a kind are outstanding.
`default_nettype none
`include "assertions.svh"

module axil_checker #(
  parameter int AddrWidth = 8  // bits of an address
) (
  input wire                 clk_i,
  input wire                 rst_ni,
  input wire [AddrWidth-1:0] awaddr_i,
  input wire [2:0]           awprot_i,
  input wire                 awvalid_i,
  input wire                 awready_i,
  input wire [31:0]          wdata_i,
  input wire [3:0]           wstrb_i,
  input wire                 wvalid_i,
  input wire                 wready_i,
  input wire [1:0]           bresp_i,
  input wire                 bvalid_i,
  input wire                 bready_i,
  input wire [AddrWidth-1:0] araddr_i,
  input wire [2:0]           arprot_i,
  input wire                 arvalid_i,
  input wire                 arready_i,
  input wire [31:0]          rdata_i,
  input wire [1:0]           rresp_i,
  input wire                 rvalid_i,
  input wire                 rready_i
);

  localparam logic [1:0] ExOkay = 2'b01;

  axis_checker #(.Width (AddrWidth + 3)) u_aw (
    .clk_i (clk_i), .rst_ni (rst_ni), .valid_i (awvalid_i), .ready_i (awready_i),
    .payload_i ({awaddr_i, awprot_i})
  );
  axis_checker #(.Width (36)) u_w (
    .clk_i (clk_i), .rst_ni (rst_ni), .valid_i (wvalid_i), .ready_i (wready_i),
    .payload_i ({wdata_i, wstrb_i})
  );
  axis_checker #(.Width (2)) u_b (
    .clk_i (clk_i), .rst_ni (rst_ni), .valid_i (bvalid_i), .ready_i (bready_i),
    .payload_i (bresp_i)
  );
  axis_checker #(.Width (AddrWidth + 3)) u_ar (
    .clk_i (clk_i), .rst_ni (rst_ni), .valid_i (arvalid_i), .ready_i (arready_i),
    .payload_i ({araddr_i, arprot_i})
  );
  axis_checker #(.Width (34)) u_r (
    .clk_i (clk_i), .rst_ni (rst_ni), .valid_i (rvalid_i), .ready_i (rready_i),
    .payload_i ({rdata_i, rresp_i})
  );

  // Requests accepted and not yet answered.
  wire aw = awvalid_i & awready_i;
  wire w  = wvalid_i & wready_i;
  wire b  = bvalid_i & bready_i;
  wire ar = arvalid_i & arready_i;
  wire r  = rvalid_i & rready_i;
  logic [3:0] addresses_q, data_q, reads_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      addresses_q <= 4'd0;
      data_q      <= 4'd0;
      reads_q     <= 4'd0;
    end else begin
      addresses_q <= addresses_q + 4'(aw) - 4'(b);
      data_q      <= data_q + 4'(w) - 4'(b);
      reads_q     <= reads_q + 4'(ar) - 4'(r);
    end
  end

  `ASSERT(WriteResponseAfterAddress, !bvalid_i || addresses_q != 4'd0)
  `ASSERT(WriteResponseAfterData, !bvalid_i || data_q != 4'd0)
  `ASSERT(ReadDataAfterAddress, !rvalid_i || reads_q != 4'd0)
  `ASSERT(NoExclusiveOkay, !(bvalid_i && bresp_i == ExOkay) && !(rvalid_i && rresp_i == ExOkay))
  `ASSERT(FewOutstanding, addresses_q != 4'd15 && data_q != 4'd15 && reads_q != 4'd15)

endmodule

`default_nettype wire
