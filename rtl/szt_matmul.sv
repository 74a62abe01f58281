// SPDX-License-Identifier: Apache-2.0
// The core as a block of a system: AXI4-Lite control and status, codes and activations in and
// results out as AXI-Streams, a level interrupt. Y[M, N] = X[M, K] * decode(W[N, K])^T in int32.
//
// Beats, their order and timing: matmul_core. Registers: registers.json; use: README.md. TDATA is
// padded with zeros (results) or ignored bits (codes, activations) to whole bytes. TKEEP of an
// input must be all ones: another value is reported and changes nothing else. A beat that is
// discarded is not checked, and its stream does not stall.
// A soft reset drops all commands. Afterwards each input stream discards beats until it has brought
// the TLAST of every dropped command that it still owed, or until a flush (if these are more than
// 14: only until a flush); a result beat that was offered already stays until it is accepted. Every
// AXI output depends on state alone.
`default_nettype none
`include "assertions.svh"

module szt_matmul #(
  parameter int Rows            = 16,    // array rows, 4..64
  parameter int Cols            = 16,    // array columns, 4..64
  parameter int ActWidth        = 8,     // bits of an activation, 2..16
  parameter int AccWidth        = 32,    // bits of a result, ActWidth + $clog2(Rows + 1)..64
  parameter int AccDepth        = 256,   // vectors that the accumulator holds, 4..65536
  parameter int FifoDepth       = 64,    // result beats held; a power of two, see matmul_core
  parameter int Format          = 1,     // szt_pkg::FormatBt, FormatSzt or FormatRaw
  parameter bit Backward        = 1'b1,  // FormatSzt: 0 builds the forward mode only
  parameter int ActReach        = 1,     // columns that an activation passes in a cycle, 1..Cols
  parameter bit RegisterOperand = 1'b0,  // 1: one more pipeline stage in every element
  parameter bit SplitAdd        = 1'b0   // 1: one more pipeline stage in the accumulator
) (
  input  wire                                  clk_i,
  input  wire                                  rst_ni,  // synchronous, active low
  output wire                                  irq_o,
  // AXI4-Lite
  input  wire [7:0]                            s_axil_awaddr,
  input  wire [2:0]                            s_axil_awprot,  // ignored
  input  wire                                  s_axil_awvalid,
  output wire                                  s_axil_awready,
  input  wire [31:0]                           s_axil_wdata,
  input  wire [3:0]                            s_axil_wstrb,
  input  wire                                  s_axil_wvalid,
  output wire                                  s_axil_wready,
  output wire [1:0]                            s_axil_bresp,
  output wire                                  s_axil_bvalid,
  input  wire                                  s_axil_bready,
  input  wire [7:0]                            s_axil_araddr,
  input  wire [2:0]                            s_axil_arprot,  // ignored
  input  wire                                  s_axil_arvalid,
  output wire                                  s_axil_arready,
  output wire [31:0]                           s_axil_rdata,
  output wire [1:0]                            s_axil_rresp,
  output wire                                  s_axil_rvalid,
  input  wire                                  s_axil_rready,
  // Codes
  input  wire                                  s_axis_codes_tvalid,
  output wire                                  s_axis_codes_tready,
  input  wire [8*((2*Cols+7)/8)-1:0]           s_axis_codes_tdata,
  input  wire [(2*Cols+7)/8-1:0]               s_axis_codes_tkeep,
  input  wire                                  s_axis_codes_tlast,
  // Activations
  input  wire                                  s_axis_activations_tvalid,
  output wire                                  s_axis_activations_tready,
  input  wire [8*((Rows*ActWidth+7)/8)-1:0]    s_axis_activations_tdata,
  input  wire [(Rows*ActWidth+7)/8-1:0]        s_axis_activations_tkeep,
  input  wire                                  s_axis_activations_tlast,
  // Results
  output wire                                  m_axis_results_tvalid,
  input  wire                                  m_axis_results_tready,
  output wire [8*((Cols*AccWidth+7)/8)-1:0]    m_axis_results_tdata,
  output wire [(Cols*AccWidth+7)/8-1:0]        m_axis_results_tkeep,
  output wire                                  m_axis_results_tlast
);

  localparam int MWidth            = $clog2(AccDepth + 1);
  localparam int CodeBits          = 2 * Cols;
  localparam int CodeBytes         = (CodeBits + 7) / 8;
  localparam int CodePadding       = 8 * CodeBytes - CodeBits;
  localparam int ActivationBits    = Rows * ActWidth;
  localparam int ActivationBytes   = (ActivationBits + 7) / 8;
  localparam int ActivationPadding = 8 * ActivationBytes - ActivationBits;
  localparam int ResultBits        = Cols * AccWidth;
  localparam int ResultBytes       = (ResultBits + 7) / 8;
  localparam int ResultPadding     = 8 * ResultBytes - ResultBits;

  wire              clear, dropped, flush;
  wire              cmd_valid, cmd_ready;
  wire [MWidth-1:0] cmd_m;
  wire [23:0]       cmd_k_tiles, cmd_n_tiles;
  wire              cmd_single;
  wire [1:0]        cmd_mode;
  wire              busy, waiting, result_held, done, codes_last_error, activations_last_error;
  wire [1:0]        codes_owed;
  wire [2:0]        activations_owed;
  wire              codes_ended, activations_ended;
  wire              discard_codes, discard_activations;

  // Beats that the core takes, and what is wrong with them.
  wire codes_valid, codes_ready, activations_valid, activations_ready;
  logic codes_keep_error_q, activations_keep_error_q;
  always_ff @(posedge clk_i) begin
    codes_keep_error_q <= rst_ni & codes_valid & codes_ready & ~(&s_axis_codes_tkeep);
    activations_keep_error_q <= rst_ni & activations_valid & activations_ready
                                & ~(&s_axis_activations_tkeep);
  end

  axil_registers #(
    .Rows     (Rows),
    .Cols     (Cols),
    .ActWidth (ActWidth),
    .AccWidth (AccWidth),
    .AccDepth (AccDepth),
    .Format   (Format),
    .Backward (Backward)
  ) u_registers (
    .clk_i                    (clk_i),
    .rst_ni                   (rst_ni),
    .s_axil_awaddr            (s_axil_awaddr),
    .s_axil_awvalid           (s_axil_awvalid),
    .s_axil_awready           (s_axil_awready),
    .s_axil_wdata             (s_axil_wdata),
    .s_axil_wstrb             (s_axil_wstrb),
    .s_axil_wvalid            (s_axil_wvalid),
    .s_axil_wready            (s_axil_wready),
    .s_axil_bresp             (s_axil_bresp),
    .s_axil_bvalid            (s_axil_bvalid),
    .s_axil_bready            (s_axil_bready),
    .s_axil_araddr            (s_axil_araddr),
    .s_axil_arvalid           (s_axil_arvalid),
    .s_axil_arready           (s_axil_arready),
    .s_axil_rdata             (s_axil_rdata),
    .s_axil_rresp             (s_axil_rresp),
    .s_axil_rvalid            (s_axil_rvalid),
    .s_axil_rready            (s_axil_rready),
    .irq_o                    (irq_o),
    .clear_o                  (clear),
    .dropped_o                (dropped),
    .flush_o                  (flush),
    .cmd_valid_o              (cmd_valid),
    .cmd_ready_i              (cmd_ready),
    .cmd_m_o                  (cmd_m),
    .cmd_k_tiles_o            (cmd_k_tiles),
    .cmd_n_tiles_o            (cmd_n_tiles),
    .cmd_single_o             (cmd_single),
    .cmd_mode_o               (cmd_mode),
    .core_busy_i              (busy),
    .core_waiting_i           (waiting),
    .result_held_i            (result_held),
    .discard_codes_i          (discard_codes),
    .discard_activations_i    (discard_activations),
    .done_i                   (done),
    .codes_last_error_i       (codes_last_error),
    .activations_last_error_i (activations_last_error),
    .codes_keep_error_i       (codes_keep_error_q),
    .activations_keep_error_i (activations_keep_error_q),
    .codes_stall_i            (s_axis_codes_tready & ~s_axis_codes_tvalid & ~discard_codes),
    .activations_stall_i      (s_axis_activations_tready & ~s_axis_activations_tvalid
                               & ~discard_activations),
    .results_stall_i          (m_axis_results_tvalid & ~m_axis_results_tready)
  );

  stream_discard u_discard_codes (
    .clk_i        (clk_i),
    .rst_ni       (rst_ni),
    .clear_i      (clear),
    .owed_i       (4'(codes_owed) + 4'(dropped)),
    .ended_i      (codes_ended),
    .flush_i      (flush),
    .valid_i      (s_axis_codes_tvalid),
    .ready_o      (s_axis_codes_tready),
    .last_i       (s_axis_codes_tlast),
    .valid_o      (codes_valid),
    .ready_i      (codes_ready),
    .discarding_o (discard_codes)
  );

  stream_discard u_discard_activations (
    .clk_i        (clk_i),
    .rst_ni       (rst_ni),
    .clear_i      (clear),
    .owed_i       (4'(activations_owed) + 4'(dropped)),
    .ended_i      (activations_ended),
    .flush_i      (flush),
    .valid_i      (s_axis_activations_tvalid),
    .ready_o      (s_axis_activations_tready),
    .last_i       (s_axis_activations_tlast),
    .valid_o      (activations_valid),
    .ready_i      (activations_ready),
    .discarding_o (discard_activations)
  );

  wire [ResultBits-1:0] result;

  matmul_core #(
    .Rows            (Rows),
    .Cols            (Cols),
    .ActWidth        (ActWidth),
    .AccWidth        (AccWidth),
    .AccDepth        (AccDepth),
    .FifoDepth       (FifoDepth),
    .Format          (Format),
    .Backward        (Backward),
    .ActReach        (ActReach),
    .RegisterOperand (RegisterOperand),
    .SplitAdd        (SplitAdd)
  ) u_core (
    .clk_i                     (clk_i),
    .rst_ni                    (rst_ni),
    .clear_i                   (clear),
    .cmd_valid_i               (cmd_valid),
    .cmd_ready_o               (cmd_ready),
    .cmd_m_i                   (cmd_m),
    .cmd_k_tiles_i             (cmd_k_tiles),
    .cmd_n_tiles_i             (cmd_n_tiles),
    .cmd_single_i              (cmd_single),
    .cmd_mode_i                (cmd_mode),
    .s_axis_codes_tvalid       (codes_valid),
    .s_axis_codes_tready       (codes_ready),
    .s_axis_codes_tdata        (s_axis_codes_tdata[CodeBits-1:0]),
    .s_axis_codes_tlast        (s_axis_codes_tlast),
    .s_axis_activations_tvalid (activations_valid),
    .s_axis_activations_tready (activations_ready),
    .s_axis_activations_tdata  (s_axis_activations_tdata[ActivationBits-1:0]),
    .s_axis_activations_tlast  (s_axis_activations_tlast),
    .m_axis_results_tvalid     (m_axis_results_tvalid),
    .m_axis_results_tready     (m_axis_results_tready),
    .m_axis_results_tdata      (result),
    .m_axis_results_tlast      (m_axis_results_tlast),
    .busy_o                    (busy),
    .waiting_o                 (waiting),
    .result_held_o             (result_held),
    .codes_owed_o              (codes_owed),
    .codes_ended_o             (codes_ended),
    .activations_owed_o        (activations_owed),
    .activations_ended_o       (activations_ended),
    .done_o                    (done),
    .codes_last_error_o        (codes_last_error),
    .activations_last_error_o  (activations_last_error)
  );

  // ---- Padding to whole bytes.
  if (ResultPadding == 0) begin : gen_results
    assign m_axis_results_tdata = result;
  end else begin : gen_padded_results
    assign m_axis_results_tdata = {{ResultPadding{1'b0}}, result};
  end
  assign m_axis_results_tkeep = '1;
  if (CodePadding != 0) begin : gen_code_padding
    wire unused_codes = ^s_axis_codes_tdata[CodeBits+:CodePadding];
  end
  if (ActivationPadding != 0) begin : gen_activation_padding
    wire unused_activations = ^s_axis_activations_tdata[ActivationBits+:ActivationPadding];
  end
  wire unused_prot = ^{s_axil_awprot, s_axil_arprot};

`ifndef SYNTHESIS
  axil_checker u_axil_checker (
    .clk_i     (clk_i),
    .rst_ni    (rst_ni),
    .awaddr_i  (s_axil_awaddr),
    .awprot_i  (s_axil_awprot),
    .awvalid_i (s_axil_awvalid),
    .awready_i (s_axil_awready),
    .wdata_i   (s_axil_wdata),
    .wstrb_i   (s_axil_wstrb),
    .wvalid_i  (s_axil_wvalid),
    .wready_i  (s_axil_wready),
    .bresp_i   (s_axil_bresp),
    .bvalid_i  (s_axil_bvalid),
    .bready_i  (s_axil_bready),
    .araddr_i  (s_axil_araddr),
    .arprot_i  (s_axil_arprot),
    .arvalid_i (s_axil_arvalid),
    .arready_i (s_axil_arready),
    .rdata_i   (s_axil_rdata),
    .rresp_i   (s_axil_rresp),
    .rvalid_i  (s_axil_rvalid),
    .rready_i  (s_axil_rready)
  );

  axis_checker #(
    .Width (9 * CodeBytes + 1)
  ) u_codes_checker (
    .clk_i     (clk_i),
    .rst_ni    (rst_ni),
    .valid_i   (s_axis_codes_tvalid),
    .ready_i   (s_axis_codes_tready),
    .payload_i ({s_axis_codes_tdata, s_axis_codes_tkeep, s_axis_codes_tlast})
  );

  axis_checker #(
    .Width (9 * ActivationBytes + 1)
  ) u_activations_checker (
    .clk_i     (clk_i),
    .rst_ni    (rst_ni),
    .valid_i   (s_axis_activations_tvalid),
    .ready_i   (s_axis_activations_tready),
    .payload_i ({s_axis_activations_tdata, s_axis_activations_tkeep, s_axis_activations_tlast})
  );

  axis_checker #(
    .Width (9 * ResultBytes + 1)
  ) u_results_checker (
    .clk_i     (clk_i),
    .rst_ni    (rst_ni),
    .valid_i   (m_axis_results_tvalid),
    .ready_i   (m_axis_results_tready),
    .payload_i ({m_axis_results_tdata, m_axis_results_tkeep, m_axis_results_tlast})
  );
`endif

endmodule

`default_nettype wire
