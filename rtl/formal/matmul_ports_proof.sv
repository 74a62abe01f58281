// SPDX-License-Identifier: Apache-2.0
// Every port of szt_matmul: what is claimed are the assertions of the axis_checker and axil_checker
// that stand in it.
`default_nettype none
`include "formal.svh"

module matmul_ports_proof (
  input  wire         clk_i,
  input  wire         rst_ni,
  output wire         irq_o,
  input  wire [7:0]   s_axil_awaddr,
  input  wire [2:0]   s_axil_awprot,
  input  wire         s_axil_awvalid,
  input  wire [31:0]  s_axil_wdata,
  input  wire [3:0]   s_axil_wstrb,
  input  wire         s_axil_wvalid,
  input  wire         s_axil_bready,
  input  wire [7:0]   s_axil_araddr,
  input  wire [2:0]   s_axil_arprot,
  input  wire         s_axil_arvalid,
  input  wire         s_axil_rready,
  output wire         s_axil_awready,
  output wire         s_axil_wready,
  output wire [1:0]   s_axil_bresp,
  output wire         s_axil_bvalid,
  output wire         s_axil_arready,
  output wire [31:0]  s_axil_rdata,
  output wire [1:0]   s_axil_rresp,
  output wire         s_axil_rvalid,
  input  wire         s_axis_codes_tvalid,
  input  wire [7:0]   s_axis_codes_tdata,
  input  wire         s_axis_codes_tkeep,
  input  wire         s_axis_codes_tlast,
  input  wire         s_axis_activations_tvalid,
  input  wire [7:0]   s_axis_activations_tdata,
  input  wire         s_axis_activations_tkeep,
  input  wire         s_axis_activations_tlast,
  input  wire         m_axis_results_tready,
  output wire         s_axis_codes_tready,
  output wire         s_axis_activations_tready,
  output wire         m_axis_results_tvalid,
  output wire [23:0]  m_axis_results_tdata,
  output wire [2:0]   m_axis_results_tkeep,
  output wire         m_axis_results_tlast
);

  `RESET_FIRST

  szt_matmul #(
    .Rows (4), .Cols (4), .ActWidth (2), .AccWidth (5), .AccDepth (4), .FifoDepth (16)
  ) u_dut (
    .clk_i (clk_i),
    .rst_ni (rst_ni),
    .irq_o (irq_o),
    .s_axil_awaddr (s_axil_awaddr),
    .s_axil_awprot (s_axil_awprot),
    .s_axil_awvalid (s_axil_awvalid),
    .s_axil_wdata (s_axil_wdata),
    .s_axil_wstrb (s_axil_wstrb),
    .s_axil_wvalid (s_axil_wvalid),
    .s_axil_bready (s_axil_bready),
    .s_axil_araddr (s_axil_araddr),
    .s_axil_arprot (s_axil_arprot),
    .s_axil_arvalid (s_axil_arvalid),
    .s_axil_rready (s_axil_rready),
    .s_axil_awready (s_axil_awready),
    .s_axil_wready (s_axil_wready),
    .s_axil_bresp (s_axil_bresp),
    .s_axil_bvalid (s_axil_bvalid),
    .s_axil_arready (s_axil_arready),
    .s_axil_rdata (s_axil_rdata),
    .s_axil_rresp (s_axil_rresp),
    .s_axil_rvalid (s_axil_rvalid),
    .s_axis_codes_tvalid (s_axis_codes_tvalid),
    .s_axis_codes_tdata (s_axis_codes_tdata),
    .s_axis_codes_tkeep (s_axis_codes_tkeep),
    .s_axis_codes_tlast (s_axis_codes_tlast),
    .s_axis_activations_tvalid (s_axis_activations_tvalid),
    .s_axis_activations_tdata (s_axis_activations_tdata),
    .s_axis_activations_tkeep (s_axis_activations_tkeep),
    .s_axis_activations_tlast (s_axis_activations_tlast),
    .m_axis_results_tready (m_axis_results_tready),
    .s_axis_codes_tready (s_axis_codes_tready),
    .s_axis_activations_tready (s_axis_activations_tready),
    .m_axis_results_tvalid (m_axis_results_tvalid),
    .m_axis_results_tdata (m_axis_results_tdata),
    .m_axis_results_tkeep (m_axis_results_tkeep),
    .m_axis_results_tlast (m_axis_results_tlast)
  );

  // What comes keeps the rules too.
  axis_source #(.Width (11)) u_aw (
    .clk_i (clk_i), .rst_ni (rst_ni), .valid_i (s_axil_awvalid), .ready_i (s_axil_awready),
    .payload_i ({s_axil_awaddr, s_axil_awprot})
  );
  axis_source #(.Width (36)) u_w (
    .clk_i (clk_i), .rst_ni (rst_ni), .valid_i (s_axil_wvalid), .ready_i (s_axil_wready),
    .payload_i ({s_axil_wdata, s_axil_wstrb})
  );
  axis_source #(.Width (11)) u_ar (
    .clk_i (clk_i), .rst_ni (rst_ni), .valid_i (s_axil_arvalid), .ready_i (s_axil_arready),
    .payload_i ({s_axil_araddr, s_axil_arprot})
  );
  axis_source #(.Width (10)) u_codes (
    .clk_i (clk_i), .rst_ni (rst_ni), .valid_i (s_axis_codes_tvalid),
    .ready_i (s_axis_codes_tready),
    .payload_i ({s_axis_codes_tdata, s_axis_codes_tkeep, s_axis_codes_tlast})
  );
  axis_source #(.Width (10)) u_activations (
    .clk_i (clk_i), .rst_ni (rst_ni), .valid_i (s_axis_activations_tvalid),
    .ready_i (s_axis_activations_tready),
    .payload_i ({s_axis_activations_tdata, s_axis_activations_tkeep,
                 s_axis_activations_tlast})
  );

  // A result that waits; a command's write and a read answered late.
  logic [2:0] was_q = 3'd0;
  wire b_waits = rst_ni & s_axil_bvalid & ~s_axil_bready;
  wire r_waits = rst_ni & s_axil_rvalid & ~s_axil_rready;
  always_ff @(posedge clk_i) was_q <= {m_axis_results_tvalid & ~m_axis_results_tready & rst_ni,
                                       b_waits, r_waits};
  wire [2:0] reach = was_q & {m_axis_results_tready, s_axil_bready & ~s_axil_bresp[1],
                              s_axil_rready};
  `REACH(3, reach)

endmodule

`default_nettype wire
