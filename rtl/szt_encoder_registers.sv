// SPDX-License-Identifier: Apache-2.0
// AXI4-Lite control and status of szt_encoder_stream: the registers of registers.json, block
// "encoder".
//
// A write takes effect on the edge on which its response becomes valid; soft_reset_o and flush_o
// are high in the cycle before that edge. SLVERR, with nothing changed, answers an unmapped
// address, a write to a read-only register, and a write that would leave FORMAT above 3. Reserved
// bits read 0 and ignore writes. A sticky bit that is set and cleared in one cycle stays set. A
// soft reset changes no register: settings, sticky bits and counters stay. irq_o is a level.
`default_nettype none
`include "assertions.svh"

module szt_encoder_registers #(
  parameter int AddrWidth  = 8,  // bits of a byte address
  parameter int Lanes      = 4,  // as in szt_encoder_stream, read back in CONFIG
  parameter int CountWidth = 4   // bits of the number of latents that a beat can hold
) (
  input  wire                  clk_i,
  input  wire                  rst_ni,  // synchronous, active low
  // AXI4-Lite
  input  wire [AddrWidth-1:0]  s_axil_awaddr,
  input  wire                  s_axil_awvalid,
  output wire                  s_axil_awready,
  input  wire [31:0]           s_axil_wdata,
  input  wire [3:0]            s_axil_wstrb,
  input  wire                  s_axil_wvalid,
  output wire                  s_axil_wready,
  output wire [1:0]            s_axil_bresp,
  output wire                  s_axil_bvalid,
  input  wire                  s_axil_bready,
  input  wire [AddrWidth-1:0]  s_axil_araddr,
  input  wire                  s_axil_arvalid,
  output wire                  s_axil_arready,
  output wire [31:0]           s_axil_rdata,
  output wire [1:0]            s_axil_rresp,
  output wire                  s_axil_rvalid,
  input  wire                  s_axil_rready,
  output wire                  irq_o,
  // Control
  output wire                  soft_reset_o,
  output wire                  flush_o,        // acts after soft_reset_o
  output wire [1:0]            format_o,       // szt_pkg::Latent*
  output wire [31:0]           threshold_o,
  // Status
  input  wire                  busy_i,
  input  wire                  discard_i,
  // Events of this cycle
  input  wire [CountWidth-1:0] latents_i,      // latents encoded
  input  wire [CountWidth-1:0] nans_i,         // of these, NaNs
  input  wire                  keep_error_i
);

  `REQUIRE(LegalAddrWidth, AddrWidth == 8,
           "szt_encoder_registers: AddrWidth must be 8, the register map's")

  wire         write;
  wire         unused_read;  // no register changes by being read
  wire [5:0]   write_word, read_word;
  wire [31:0]  write_data;
  wire [3:0]   write_strb;
  logic        write_error, read_error;
  logic [31:0] read_data;

  axil_port #(
    .AddrWidth (AddrWidth)
  ) u_port (
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
    .write_ready_i  (1'b1),
    .write_o        (write),
    .write_word_o   (write_word),
    .write_data_o   (write_data),
    .write_strb_o   (write_strb),
    .write_error_i  (write_error),
    .read_o         (unused_read),
    .read_word_o    (read_word),
    .read_data_i    (read_data),
    .read_error_i   (read_error)
  );

  // ---- What software writes.
  wire [31:0] write_bits = {{8{write_strb[3]}}, {8{write_strb[2]}},
                            {8{write_strb[1]}}, {8{write_strb[0]}}};
  wire [31:0] write_ones = write_data & write_bits;  // bits written as 1
  wire [7:0]  write_addr = {write_word, 2'b00};
  wire [7:0]  read_addr  = {read_word, 2'b00};

  logic        irq_enable_q;
  logic [1:0]  format_q;
  logic [31:0] threshold_q;

  always_comb begin
    case (write_addr)
      szt_registers::EncoderControl, szt_registers::EncoderStatus,
      szt_registers::EncoderThreshold: write_error = 1'b0;
      szt_registers::EncoderFormat:    write_error = (write_ones & ~32'd3) != 32'd0;
      default:                         write_error = 1'b1;
    endcase
  end

  wire write_control = write & (write_addr == szt_registers::EncoderControl);
  assign soft_reset_o = write_control & write_ones[szt_registers::EncoderControlSoftReset];
  assign flush_o      = write_control & write_ones[szt_registers::EncoderControlFlush];

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      irq_enable_q <= 1'b0;
      format_q     <= 2'd0;
      threshold_q  <= 32'd0;
    end else if (write & ~write_error) begin
      case (write_addr)
        szt_registers::EncoderControl:
          if (write_strb[0]) irq_enable_q <= write_data[szt_registers::EncoderControlIrqEnable];
        szt_registers::EncoderFormat:
          if (write_strb[0]) format_q <= write_data[1:0];
        szt_registers::EncoderThreshold:
          threshold_q <= (threshold_q & ~write_bits) | write_ones;
        default: ;
      endcase
    end
  end

  assign format_o    = format_q;
  assign threshold_o = threshold_q;

  // ---- Sticky events.
  logic [31:0] event_bits, sticky_q;
  logic        irq_q;
  always_comb begin
    event_bits = 32'd0;
    event_bits[szt_registers::EncoderStatusNan]       = nans_i != '0;
    event_bits[szt_registers::EncoderStatusErrorKeep] = keep_error_i;
  end
  wire [31:0] acknowledged =
      write && write_addr == szt_registers::EncoderStatus ? write_ones : 32'd0;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      sticky_q <= 32'd0;
      irq_q    <= 1'b0;
    end else begin
      sticky_q <= (sticky_q & ~acknowledged) | event_bits;
      irq_q    <= irq_enable_q & (sticky_q != 32'd0);
    end
  end
  assign irq_o = irq_q;

  // ---- Counters.
  logic [31:0] latent_count_q, nan_count_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      latent_count_q <= 32'd0;
      nan_count_q    <= 32'd0;
    end else begin
      latent_count_q <= latent_count_q + 32'(latents_i);
      nan_count_q    <= nan_count_q + 32'(nans_i);
    end
  end

  // ---- What software reads.
  logic [31:0] status, control, configuration;
  always_comb begin
    status = sticky_q;
    status[szt_registers::EncoderStatusBusy]    = busy_i;
    status[szt_registers::EncoderStatusDiscard] = discard_i;

    control = 32'd0;
    control[szt_registers::EncoderControlIrqEnable] = irq_enable_q;

    configuration = 32'd0;
    configuration[szt_registers::EncoderConfigLanes+:8] = 8'(Lanes);
  end

  always_comb begin
    read_error = 1'b0;
    case (read_addr)
      szt_registers::EncoderId:          read_data = szt_registers::EncoderIdValue;
      szt_registers::EncoderVersion:     read_data = szt_registers::VersionValue;
      szt_registers::EncoderConfig:      read_data = configuration;
      szt_registers::EncoderControl:     read_data = control;
      szt_registers::EncoderStatus:      read_data = status;
      szt_registers::EncoderFormat:      read_data = {30'd0, format_q};
      szt_registers::EncoderThreshold:   read_data = threshold_q;
      szt_registers::EncoderLatentCount: read_data = latent_count_q;
      szt_registers::EncoderNanCount:    read_data = nan_count_q;
      default: begin
        read_data  = 32'd0;
        read_error = 1'b1;
      end
    endcase
  end

endmodule

`default_nettype wire
