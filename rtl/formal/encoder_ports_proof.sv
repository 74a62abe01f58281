// SPDX-License-Identifier: Apache-2.0
// Every port of szt_encoder_stream: what is claimed are the assertions that stand in it, those of
// its axis_checker and axil_checker among them.
`default_nettype none
`include "formal.svh"

module encoder_ports_proof (
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
  input  wire         s_axis_latents_tvalid,
  input  wire [63:0]  s_axis_latents_tdata,
  input  wire [7:0]   s_axis_latents_tkeep,
  input  wire         s_axis_latents_tlast,
  input  wire         m_axis_codes_tready,
  output wire         s_axis_latents_tready,
  output wire         m_axis_codes_tvalid,
  output wire [7:0]   m_axis_codes_tdata,
  output wire         m_axis_codes_tkeep,
  output wire         m_axis_codes_tlast
);

  `RESET_FIRST

  szt_encoder_stream #(
    .Lanes (2)
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
    .s_axis_latents_tvalid (s_axis_latents_tvalid),
    .s_axis_latents_tdata (s_axis_latents_tdata),
    .s_axis_latents_tkeep (s_axis_latents_tkeep),
    .s_axis_latents_tlast (s_axis_latents_tlast),
    .m_axis_codes_tready (m_axis_codes_tready),
    .s_axis_latents_tready (s_axis_latents_tready),
    .m_axis_codes_tvalid (m_axis_codes_tvalid),
    .m_axis_codes_tdata (m_axis_codes_tdata),
    .m_axis_codes_tkeep (m_axis_codes_tkeep),
    .m_axis_codes_tlast (m_axis_codes_tlast)
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
  axis_source #(.Width (73)) u_latents (
    .clk_i (clk_i), .rst_ni (rst_ni), .valid_i (s_axis_latents_tvalid),
    .ready_i (s_axis_latents_tready),
    .payload_i ({s_axis_latents_tdata, s_axis_latents_tkeep, s_axis_latents_tlast})
  );

  // A beat of codes that waits; answers that wait.
  logic [2:0] was_q = 3'd0;
  wire b_waits = rst_ni & s_axil_bvalid & ~s_axil_bready;
  wire r_waits = rst_ni & s_axil_rvalid & ~s_axil_rready;
  always_ff @(posedge clk_i) was_q <= {m_axis_codes_tvalid & ~m_axis_codes_tready & rst_ni,
                                       b_waits, r_waits};
  wire [2:0] reach = was_q & {m_axis_codes_tready, s_axil_bready & ~s_axil_bresp[1],
                              s_axil_rready};
  `REACH(3, reach)

endmodule

`default_nettype wire
