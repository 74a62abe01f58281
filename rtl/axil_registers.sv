// SPDX-License-Identifier: Apache-2.0
// AXI4-Lite control and status of szt_matmul: the registers of registers.json, the check of a
// command at START, one place of the command queue, sticky errors, counters and the interrupt.
//
// A write takes effect on the edge on which its response becomes valid. The command it starts is
// offered to the core from that cycle on. SOFT_RESET gives clear_o for one cycle and holds the next
// write back for two, until the core's own queue is ready again. Unmapped addresses, and writes to
// read-only registers, answer SLVERR and change nothing. irq_o is a level.
`default_nettype none
`include "assertions.svh"

module axil_registers #(
  parameter int AddrWidth = 8,    // bits of a byte address
  parameter int Rows      = 16,   // these six: as in matmul_core, read back in CONFIG and ACC_DEPTH
  parameter int Cols      = 16,
  parameter int ActWidth  = 8,
  parameter int AccWidth  = 32,
  parameter int AccDepth  = 256,
  parameter int Format    = 1,
  parameter bit Backward  = 1'b1  // modes other than forward are legal (Format 1 only)
) (
  input  wire                          clk_i,
  input  wire                          rst_ni,  // synchronous, active low
  // AXI4-Lite
  input  wire [AddrWidth-1:0]          s_axil_awaddr,
  input  wire                          s_axil_awvalid,
  output wire                          s_axil_awready,
  input  wire [31:0]                   s_axil_wdata,
  input  wire [3:0]                    s_axil_wstrb,
  input  wire                          s_axil_wvalid,
  output wire                          s_axil_wready,
  output wire [1:0]                    s_axil_bresp,
  output wire                          s_axil_bvalid,
  input  wire                          s_axil_bready,
  input  wire [AddrWidth-1:0]          s_axil_araddr,
  input  wire                          s_axil_arvalid,
  output wire                          s_axil_arready,
  output wire [31:0]                   s_axil_rdata,
  output wire [1:0]                    s_axil_rresp,
  output wire                          s_axil_rvalid,
  input  wire                          s_axil_rready,
  output wire                          irq_o,
  // Core
  output wire                          clear_o,
  output wire                          dropped_o,  // with clear_o: a command was dropped here
  output wire                          flush_o,    // acts after clear_o
  output wire                          cmd_valid_o,
  input  wire                          cmd_ready_i,
  output wire [$clog2(AccDepth+1)-1:0] cmd_m_o,
  output wire [23:0]                   cmd_k_tiles_o,
  output wire [23:0]                   cmd_n_tiles_o,
  output wire                          cmd_single_o,   // both tile counts are 1
  output wire [1:0]                    cmd_mode_o,
  // Status of the core and its streams
  input  wire                          core_busy_i,
  input  wire                          core_waiting_i,
  input  wire                          result_held_i,
  input  wire                          discard_codes_i,
  input  wire                          discard_activations_i,
  // Events, one cycle each
  input  wire                          done_i,
  input  wire                          codes_last_error_i,
  input  wire                          activations_last_error_i,
  input  wire                          codes_keep_error_i,
  input  wire                          activations_keep_error_i,
  input  wire                          codes_stall_i,
  input  wire                          activations_stall_i,
  input  wire                          results_stall_i
);

  localparam int MWidth = $clog2(AccDepth + 1);
  localparam bit HasBackward = Backward && Format == szt_pkg::FormatSzt;

  `REQUIRE(LegalAddrWidth, AddrWidth == 8,
           "axil_registers: AddrWidth must be 8, the register map's")
  // What does not fit would run into the next field of CONFIG.
  `REQUIRE(FieldsFit, Rows < 128 && Cols < 128 && Format < 4 && ActWidth < 32 &&
                      AccWidth < 128,
           "axil_registers: a parameter does not fit into its field of CONFIG")

  wire        write, read;
  wire [5:0]  write_word, read_word;
  wire [31:0] write_data;
  wire [3:0]  write_strb;
  logic       write_error, read_error;
  logic [31:0] read_data;
  logic [1:0] settling_q;  // a soft reset is one or two cycles old

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
    .write_ready_i  (settling_q == 2'b00),
    .write_o        (write),
    .write_word_o   (write_word),
    .write_data_o   (write_data),
    .write_strb_o   (write_strb),
    .write_error_i  (write_error),
    .read_o         (read),
    .read_word_o    (read_word),
    .read_data_i    (read_data),
    .read_error_i   (read_error)
  );

  // ---- What software writes.
  wire [31:0] write_bits = {{8{write_strb[3]}}, {8{write_strb[2]}},
                            {8{write_strb[1]}}, {8{write_strb[0]}}};
  wire [31:0] write_ones = write_data & write_bits;  // bits written as 1

  wire [7:0] write_addr = {write_word, 2'b00};
  wire [7:0] read_addr  = {read_word, 2'b00};

  logic [31:0] m_q, k_tiles_q, n_tiles_q, mode_q, irq_mask_q;
  logic        irq_enable_q;

  wire write_control = write & (write_addr == szt_registers::MatmulControl);
  wire start      = write_control & write_ones[szt_registers::MatmulControlStart];
  wire soft_reset = write_control & write_ones[szt_registers::MatmulControlSoftReset];
  wire flush      = write_control & write_ones[szt_registers::MatmulControlFlush];

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      m_q          <= 32'd0;
      k_tiles_q    <= 32'd0;
      n_tiles_q    <= 32'd0;
      mode_q       <= 32'd0;
      irq_mask_q   <= szt_registers::MatmulIrqMaskReset;
      irq_enable_q <= 1'b0;
    end else if (write) begin
      case (write_addr)
        szt_registers::MatmulM:       m_q       <= (m_q & ~write_bits) | write_ones;
        szt_registers::MatmulKTiles:  k_tiles_q <= (k_tiles_q & ~write_bits) | write_ones;
        szt_registers::MatmulNTiles:  n_tiles_q <= (n_tiles_q & ~write_bits) | write_ones;
        szt_registers::MatmulMode:    mode_q    <= (mode_q & ~write_bits) | write_ones;
        szt_registers::MatmulIrqMask:
          irq_mask_q <= ((irq_mask_q & ~write_bits) | write_ones)
                        & szt_registers::MatmulStatusSticky;
        szt_registers::MatmulControl:
          if (write_strb[0]) irq_enable_q <= write_data[szt_registers::MatmulControlIrqEnable];
        default: ;
      endcase
    end
  end

  always_comb begin
    case (write_addr)
      szt_registers::MatmulControl, szt_registers::MatmulStatus, szt_registers::MatmulIrqMask,
      szt_registers::MatmulM, szt_registers::MatmulKTiles, szt_registers::MatmulNTiles,
      szt_registers::MatmulMode: write_error = 1'b0;
      default: write_error = 1'b1;
    endcase
  end

  // ---- A command at START: checked, then kept here until the core's own queue takes it.
  wire size_ok = m_q != 32'd0 && m_q <= 32'(AccDepth) &&
                 k_tiles_q != 32'd0 && k_tiles_q[31:24] == 8'd0 &&
                 n_tiles_q != 32'd0 && n_tiles_q[31:24] == 8'd0;
  wire mode_ok = mode_q == {30'd0, szt_pkg::ModeForward} ||
                 (HasBackward && (mode_q == {30'd0, szt_pkg::ModeZeroSign} ||
                                  mode_q == {30'd0, szt_pkg::ModeSign}));

  logic              pending_q, clear_q, flush_q, dropped_q;
  logic [MWidth-1:0] cmd_m_q;
  logic [23:0]       cmd_k_tiles_q, cmd_n_tiles_q;
  logic              cmd_single_q;
  logic [1:0]        cmd_mode_q;
  wire taken    = cmd_valid_o & cmd_ready_i;
  wire keeps    = pending_q & ~taken & ~soft_reset;
  wire start_ok = start & size_ok & mode_ok & ~keeps;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      pending_q  <= 1'b0;
      clear_q    <= 1'b0;
      flush_q    <= 1'b0;
      dropped_q  <= 1'b0;
      settling_q <= 2'b00;
    end else begin
      pending_q  <= start_ok | keeps;
      clear_q    <= soft_reset;
      flush_q    <= flush;
      dropped_q  <= soft_reset & pending_q & ~taken;
      settling_q <= {settling_q[0], soft_reset};
    end
  end

  // The place is filled whenever it is free; whether that was a command, pending_q says. START
  // beside SOFT_RESET takes the place of a dropped command: filled with clear_q, when nothing is
  // written.
  always_ff @(posedge clk_i) begin
    if (!pending_q || cmd_ready_i || clear_q) begin
      cmd_m_q       <= m_q[MWidth-1:0];
      cmd_k_tiles_q <= k_tiles_q[23:0];
      cmd_n_tiles_q <= n_tiles_q[23:0];
      cmd_single_q  <= k_tiles_q[23:0] == 24'd1 && n_tiles_q[23:0] == 24'd1;
      cmd_mode_q    <= mode_q[1:0];
    end
  end

  assign clear_o       = clear_q;
  assign dropped_o     = dropped_q;
  assign flush_o       = flush_q;
  assign cmd_valid_o   = pending_q & ~clear_q;
  assign cmd_m_o       = cmd_m_q;
  assign cmd_k_tiles_o = cmd_k_tiles_q;
  assign cmd_n_tiles_o = cmd_n_tiles_q;
  assign cmd_single_o  = cmd_single_q;
  assign cmd_mode_o    = cmd_mode_q;

  // ---- Sticky events: set wins over clear.
  logic [31:0] sticky_q;
  wire [31:0] event_bits =
      {31'd0, done_i} << szt_registers::MatmulStatusDone |
      {31'd0, start & ~size_ok} << szt_registers::MatmulStatusErrorSize |
      {31'd0, start & ~mode_ok} << szt_registers::MatmulStatusErrorMode |
      {31'd0, start & keeps} << szt_registers::MatmulStatusErrorQueue |
      {31'd0, codes_last_error_i} << szt_registers::MatmulStatusErrorCodesLast |
      {31'd0, activations_last_error_i} << szt_registers::MatmulStatusErrorActivationsLast |
      {31'd0, codes_keep_error_i} << szt_registers::MatmulStatusErrorCodesKeep |
      {31'd0, activations_keep_error_i} << szt_registers::MatmulStatusErrorActivationsKeep;
  wire [31:0] acknowledged =
      write && write_addr == szt_registers::MatmulStatus ? write_ones : 32'd0;

  logic irq_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      sticky_q <= 32'd0;
      irq_q    <= 1'b0;
    end else begin
      sticky_q <= (sticky_q & ~acknowledged) | event_bits;
      irq_q    <= irq_enable_q & ((sticky_q & irq_mask_q) != 32'd0);
    end
  end
  assign irq_o = irq_q;

  // ---- Counters.
  logic [31:0] done_count_q, codes_stalls_q, activations_stalls_q, results_stalls_q;
  logic [47:0] cycles_q;
  logic [15:0] cycles_high_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      done_count_q         <= 32'd0;
      codes_stalls_q       <= 32'd0;
      activations_stalls_q <= 32'd0;
      results_stalls_q     <= 32'd0;
      cycles_q             <= 48'd0;
      cycles_high_q        <= 16'd0;
    end else begin
      done_count_q         <= done_count_q + 32'(done_i);
      codes_stalls_q       <= codes_stalls_q + 32'(codes_stall_i);
      activations_stalls_q <= activations_stalls_q + 32'(activations_stall_i);
      results_stalls_q     <= results_stalls_q + 32'(results_stall_i);
      cycles_q             <= cycles_q + 48'(core_busy_i);
      if (read && read_addr == szt_registers::MatmulCycles) cycles_high_q <= cycles_q[47:32];
    end
  end

  // ---- What software reads.
  wire [1:0]  queue  = 2'(core_waiting_i) + 2'(pending_q);
  wire [31:0] status =
      sticky_q |
      {30'd0, queue} << szt_registers::MatmulStatusQueue |
      {31'd0, core_busy_i | pending_q} << szt_registers::MatmulStatusBusy |
      {31'd0, result_held_i} << szt_registers::MatmulStatusResultHeld |
      {31'd0, discard_codes_i} << szt_registers::MatmulStatusDiscardCodes |
      {31'd0, discard_activations_i} << szt_registers::MatmulStatusDiscardActivations;
  wire [31:0] control = {31'd0, irq_enable_q} << szt_registers::MatmulControlIrqEnable;
  wire [31:0] configuration =
      32'(Rows) << szt_registers::MatmulConfigRows |
      32'(Cols) << szt_registers::MatmulConfigCols |
      32'(Format) << szt_registers::MatmulConfigFormat |
      32'(HasBackward) << szt_registers::MatmulConfigBackward |
      32'(ActWidth) << szt_registers::MatmulConfigActWidth |
      32'(AccWidth) << szt_registers::MatmulConfigAccWidth;

  wire [31:0] cycles_low = cycles_q[31:0];
  always_comb begin
    read_error = 1'b0;
    case (read_addr)
      szt_registers::MatmulId:                read_data = szt_registers::MatmulIdValue;
      szt_registers::MatmulVersion:           read_data = szt_registers::VersionValue;
      szt_registers::MatmulConfig:            read_data = configuration;
      szt_registers::MatmulAccDepth:          read_data = 32'(AccDepth);
      szt_registers::MatmulControl:           read_data = control;
      szt_registers::MatmulStatus:            read_data = status;
      szt_registers::MatmulIrqMask:           read_data = irq_mask_q;
      szt_registers::MatmulM:                 read_data = m_q;
      szt_registers::MatmulKTiles:            read_data = k_tiles_q;
      szt_registers::MatmulNTiles:            read_data = n_tiles_q;
      szt_registers::MatmulMode:              read_data = mode_q;
      szt_registers::MatmulDoneCount:         read_data = done_count_q;
      szt_registers::MatmulCycles:            read_data = cycles_low;
      szt_registers::MatmulCyclesHigh:        read_data = {16'd0, cycles_high_q};
      szt_registers::MatmulCodesStalls:       read_data = codes_stalls_q;
      szt_registers::MatmulActivationsStalls: read_data = activations_stalls_q;
      szt_registers::MatmulResultsStalls:     read_data = results_stalls_q;
      default: begin
        read_data  = 32'd0;
        read_error = 1'b1;
      end
    endcase
  end

endmodule

`default_nettype wire
