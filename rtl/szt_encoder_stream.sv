// SPDX-License-Identifier: Apache-2.0
// The encoder as a block of a system: latent weights in and 2-bit codes out as AXI-Streams,
// AXI4-Lite control and status, a level interrupt. A packet, up to TLAST, is one row of a weight
// tensor. Registers: registers.json.
//
// Latents lie little-endian and contiguous: fp32 one a 32-bit word; fp16, bf16 and int16 two.
// FORMAT and THRESHOLD are taken on the edge that accepts a row's first beat. Element i of the row
// comes out in bits [2(i mod 4)+1 : 2(i mod 4)] of byte i/4, the row padded with code 00 to a
// whole byte: a 16-bit beat makes an output beat, two fp32 beats make one. TKEEP of the output is
// all ones but on a row's last beat, where it marks the row's bytes; the others are 0. A NaN
// encodes by its sign with magnitude 1 (if the threshold is finite), is counted and sets
// STATUS.NAN.
//
// TKEEP of the input: a run of whole latents from byte 0, at least one; only a row's last beat may
// be partial. Anything else sets ERROR_KEEP, and latents up to the highest whole one are taken,
// with the data as it stands where one below is not whole (none is whole: none are taken). A beat
// before TLAST keeps the room of a full one in the row, with code 00 in the places of latents that
// are not there, so that what follows is not shifted. A last beat without latents adds no code; if
// an output beat would have begun with it, that is sent with TLAST and TKEEP 0.
//
// Rate: an input beat a cycle. A code is offered two cycles after its latent was accepted at the
// earliest; counters and sticky bits count the latent by then. Every AXI output depends on state
// alone.
//
// Soft reset: all that was accepted is dropped but for an output beat that is already offered;
// that stays until it is accepted (BUSY stays high meanwhile). What had come out of a dropped row
// ends without TLAST. Input beats are discarded up to and including the TLAST of the row that was
// being accepted, or until FLUSH, after which the next beat begins a row. No register changes.
//
// It does not choose thresholds (the host calibrates) or take int8, and no row is too long for it.
`default_nettype none
`include "assertions.svh"

module szt_encoder_stream #(
  parameter int Lanes = 4  // 32-bit words of a latent beat: a power of two, 2..64
) (
  input  wire                clk_i,
  input  wire                rst_ni,  // synchronous, active low
  output wire                irq_o,
  // AXI4-Lite
  input  wire [7:0]          s_axil_awaddr,
  input  wire [2:0]          s_axil_awprot,  // ignored
  input  wire                s_axil_awvalid,
  output wire                s_axil_awready,
  input  wire [31:0]         s_axil_wdata,
  input  wire [3:0]          s_axil_wstrb,
  input  wire                s_axil_wvalid,
  output wire                s_axil_wready,
  output wire [1:0]          s_axil_bresp,
  output wire                s_axil_bvalid,
  input  wire                s_axil_bready,
  input  wire [7:0]          s_axil_araddr,
  input  wire [2:0]          s_axil_arprot,  // ignored
  input  wire                s_axil_arvalid,
  output wire                s_axil_arready,
  output wire [31:0]         s_axil_rdata,
  output wire [1:0]          s_axil_rresp,
  output wire                s_axil_rvalid,
  input  wire                s_axil_rready,
  // Latents
  input  wire                s_axis_latents_tvalid,
  output wire                s_axis_latents_tready,
  input  wire [32*Lanes-1:0] s_axis_latents_tdata,
  input  wire [4*Lanes-1:0]  s_axis_latents_tkeep,
  input  wire                s_axis_latents_tlast,
  // Codes
  output wire                m_axis_codes_tvalid,
  input  wire                m_axis_codes_tready,
  output wire [4*Lanes-1:0]  m_axis_codes_tdata,
  output wire [Lanes/2-1:0]  m_axis_codes_tkeep,
  output wire                m_axis_codes_tlast
);

  localparam int CountWidth = $clog2(2 * Lanes + 1);

  `REQUIRE(LegalLanes, Lanes >= 2 && Lanes <= 64 && Lanes == 2 ** $clog2(Lanes),
           "szt_encoder_stream: Lanes must be a power of two, 2..64")

  wire                  soft_reset, flush, busy;
  wire [1:0]            format;
  wire [31:0]           threshold;
  wire                  take;  // a beat is encoded
  wire [CountWidth-1:0] latents, nans;
  wire                  keep_error;
  logic                 discard_q;

  szt_encoder_registers #(
    .Lanes      (Lanes),
    .CountWidth (CountWidth)
  ) u_registers (
    .clk_i          (clk_i),
    .rst_ni         (rst_ni),
    .s_axil_awaddr  (s_axil_awaddr),
    .s_axil_awvalid (s_axil_awvalid),
    .s_axil_awready (s_axil_awready),
    .s_axil_wdata   (s_axil_wdata),
    .s_axil_wstrb   (s_axil_wstrb),
    .s_axil_wvalid  (s_axil_wvalid),
    .s_axil_wready  (s_axil_wready),
    .s_axil_bresp   (s_axil_bresp),
    .s_axil_bvalid  (s_axil_bvalid),
    .s_axil_bready  (s_axil_bready),
    .s_axil_araddr  (s_axil_araddr),
    .s_axil_arvalid (s_axil_arvalid),
    .s_axil_arready (s_axil_arready),
    .s_axil_rdata   (s_axil_rdata),
    .s_axil_rresp   (s_axil_rresp),
    .s_axil_rvalid  (s_axil_rvalid),
    .s_axil_rready  (s_axil_rready),
    .irq_o          (irq_o),
    .soft_reset_o   (soft_reset),
    .flush_o        (flush),
    .format_o       (format),
    .threshold_o    (threshold),
    .busy_i         (busy),
    .discard_i      (discard_q),
    .latents_i      (take ? latents : '0),
    .nans_i         (take ? nans : '0),
    .keep_error_i   (take & keep_error)
  );

  // What a soft reset resets: all but the output.
  wire run_n = rst_ni & ~soft_reset;

  // ---- Input. A beat carries its row's format and threshold with it.
  logic        row_open_q;  // the next beat continues a row
  logic [1:0]  row_format_q;
  logic [31:0] row_threshold_q;
  wire accept   = s_axis_latents_tvalid & s_axis_latents_tready;
  wire row_open = accept ? ~s_axis_latents_tlast : row_open_q;
  wire dropped  = soft_reset | discard_q;  // a row that is open

  wire [1:0]  beat_format    = row_open_q ? row_format_q : format;
  wire [31:0] beat_threshold = row_open_q ? row_threshold_q : threshold;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      row_open_q <= 1'b0;
      discard_q  <= 1'b0;
    end else begin
      row_open_q <= row_open & ~(dropped & flush);
      discard_q  <= row_open & dropped & ~flush;
    end
  end

  always_ff @(posedge clk_i) begin
    if (accept) begin
      row_format_q    <= beat_format;
      row_threshold_q <= beat_threshold;
    end
  end

  wire                in_valid, in_last;
  wire [1:0]          in_format;
  wire [31:0]         in_threshold;
  wire [4*Lanes-1:0]  in_keep;
  wire [32*Lanes-1:0] in_data;

  stream_register #(
    .Width (2 + 32 + 1 + 4 * Lanes + 32 * Lanes)
  ) u_input (
    .clk_i   (clk_i),
    .rst_ni  (run_n),
    .valid_i (s_axis_latents_tvalid & ~discard_q),
    .ready_o (s_axis_latents_tready),
    .data_i  ({beat_format, beat_threshold, s_axis_latents_tlast, s_axis_latents_tkeep,
               s_axis_latents_tdata}),
    .valid_o (in_valid),
    .ready_i (take),
    .data_o  ({in_format, in_threshold, in_last, in_keep, in_data})
  );

  // ---- Codes of the beat.
  wire [4*Lanes-1:0] codes;
  wire [2*Lanes-1:0] there;

  szt_encode_beat #(
    .Lanes (Lanes)
  ) u_encode (
    .data_i       (in_data),
    .keep_i       (in_keep),
    .last_i       (in_last),
    .format_i     (in_format),
    .threshold_i  (in_threshold),
    .codes_o      (codes),
    .there_o      (there),
    .latents_o    (latents),
    .nans_o       (nans),
    .keep_error_o (keep_error)
  );

  // ---- Output. The codes of an fp32 beat fill half of an output beat and wait for the other half.
  logic               half_q;  // the first half waits
  logic [2*Lanes-1:0] half_codes_q;
  logic               out_valid_q, out_last_q;
  logic [4*Lanes-1:0] out_codes_q;
  logic [Lanes/2-1:0] out_keep_q;

  wire fp32     = in_format == 2'(szt_pkg::LatentFp32);
  wire gather   = fp32 & ~half_q & ~in_last;
  wire out_free = ~out_valid_q | m_axis_codes_tready;
  assign take   = in_valid & (gather | out_free) & ~soft_reset;
  wire emit     = take & ~gather;

  // Code places of the output beat that the row has reached, if this beat is its last.
  wire [2*Lanes-1:0] reached = half_q ? {there[Lanes-1:0], {Lanes{1'b1}}} : there;
  wire [Lanes/2-1:0] keep;
  for (genvar b = 0; b < Lanes / 2; b++) begin : gen_keep
    assign keep[b] = ~in_last | reached[4*b];
  end
  wire unused_reached = ^reached;  // a byte is kept for its first code

  always_ff @(posedge clk_i) begin
    if (!run_n) half_q <= 1'b0;
    else if (take) half_q <= gather;
    if (!rst_ni) out_valid_q <= 1'b0;
    else if (out_free) out_valid_q <= emit;
  end

  always_ff @(posedge clk_i) begin
    if (take) half_codes_q <= codes[2*Lanes-1:0];
    if (emit) begin
      out_codes_q <= half_q ? {codes[2*Lanes-1:0], half_codes_q} : codes;
      out_keep_q  <= keep;
      out_last_q  <= in_last;
    end
  end

  assign m_axis_codes_tvalid = out_valid_q;
  assign m_axis_codes_tdata  = out_codes_q;
  assign m_axis_codes_tkeep  = out_keep_q;
  assign m_axis_codes_tlast  = out_last_q;

  assign busy = (row_open_q & ~discard_q) | in_valid | out_valid_q;

  wire unused_prot = ^{s_axil_awprot, s_axil_arprot};  // nothing here is privileged

  `ASSERT(DiscardsOnlyWithinARow, !discard_q || row_open_q)
  `ASSERT(DiscardsOnlyWhenEmpty, !discard_q || (!in_valid && !half_q))
  `ASSERT(OnlyFp32Gathers, !(half_q && in_valid) || fp32)

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
    .Width (36 * Lanes + 1)
  ) u_latents_checker (
    .clk_i     (clk_i),
    .rst_ni    (rst_ni),
    .valid_i   (s_axis_latents_tvalid),
    .ready_i   (s_axis_latents_tready),
    .payload_i ({s_axis_latents_tdata, s_axis_latents_tkeep, s_axis_latents_tlast})
  );

  axis_checker #(
    .Width (4 * Lanes + Lanes / 2 + 1)
  ) u_codes_checker (
    .clk_i     (clk_i),
    .rst_ni    (rst_ni),
    .valid_i   (m_axis_codes_tvalid),
    .ready_i   (m_axis_codes_tready),
    .payload_i ({m_axis_codes_tdata, m_axis_codes_tkeep, m_axis_codes_tlast})
  );
`endif

endmodule

`default_nettype wire
