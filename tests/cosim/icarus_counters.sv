// SPDX-License-Identifier: Apache-2.0
// Counters that no simulation fills, for Icarus Verilog: CYCLES beyond 32 bits and what
// CYCLES_HIGH keeps of it; DONE_COUNT, the counters of stalls and the tile counters at each of
// their carries. They are put right before the place; what follows must go on as if they had counted.
`default_nettype none
`timescale 1ns / 1ps

module icarus_counters;

  import szt_registers::*;

  localparam int Rows = 4, Cols = 4;

  logic clk = 1'b0, rst_n = 1'b0;
  always #5 clk = ~clk;

  logic [7:0]  awaddr = 8'd0, araddr = 8'd0;
  logic [31:0] wdata = 32'd0;
  logic        awvalid = 1'b0, wvalid = 1'b0, arvalid = 1'b0;
  wire         awready, wready, arready, bvalid, rvalid, irq;
  wire [1:0]   bresp, rresp;
  wire [31:0]  rdata;
  logic        codes_valid = 1'b0, codes_last = 1'b0, acts_valid = 1'b0, acts_last = 1'b0;
  wire         codes_ready, acts_ready, results_valid, results_last;
  wire [32*Cols-1:0] results_data;
  wire [4*Cols-1:0]  results_keep;

  szt_matmul #(
    .Rows      (Rows),
    .Cols      (Cols),
    .AccDepth  (8),
    .FifoDepth (16)
  ) dut (
    .clk_i                     (clk),
    .rst_ni                    (rst_n),
    .irq_o                     (irq),
    .s_axil_awaddr             (awaddr),
    .s_axil_awprot             (3'd0),
    .s_axil_awvalid            (awvalid),
    .s_axil_awready            (awready),
    .s_axil_wdata              (wdata),
    .s_axil_wstrb              (4'hF),
    .s_axil_wvalid             (wvalid),
    .s_axil_wready             (wready),
    .s_axil_bresp              (bresp),
    .s_axil_bvalid             (bvalid),
    .s_axil_bready             (1'b1),
    .s_axil_araddr             (araddr),
    .s_axil_arprot             (3'd0),
    .s_axil_arvalid            (arvalid),
    .s_axil_arready            (arready),
    .s_axil_rdata              (rdata),
    .s_axil_rresp              (rresp),
    .s_axil_rvalid             (rvalid),
    .s_axil_rready             (1'b1),
    .s_axis_codes_tvalid       (codes_valid),
    .s_axis_codes_tready       (codes_ready),
    .s_axis_codes_tdata        (8'h55),
    .s_axis_codes_tkeep        (1'b1),
    .s_axis_codes_tlast        (codes_last),
    .s_axis_activations_tvalid (acts_valid),
    .s_axis_activations_tready (acts_ready),
    .s_axis_activations_tdata  (32'h01010101),
    .s_axis_activations_tkeep  (4'hF),
    .s_axis_activations_tlast  (acts_last),
    .m_axis_results_tvalid     (results_valid),
    .m_axis_results_tready     (1'b1),
    .m_axis_results_tdata      (results_data),
    .m_axis_results_tkeep      (results_keep),
    .m_axis_results_tlast      (results_last)
  );

  integer errors = 0, checks = 0;

  task automatic check(input condition, input [8*48-1:0] what, input integer bit_number);
    begin
      checks = checks + 1;
      if (condition !== 1'b1) begin
        $display("FAILED at %0t, bit %0d: %0s", $time, bit_number, what);
        errors = errors + 1;
      end
    end
  endtask

  task automatic write(input [7:0] addr, input [31:0] data);
    begin
      awaddr = addr;
      wdata = data;
      {awvalid, wvalid} = 2'b11;
      @(negedge clk);
      {awvalid, wvalid} = 2'b00;
      while (!bvalid) @(negedge clk);
      check(bresp === 2'b00, "a write is answered OKAY", 0);
      @(negedge clk);
    end
  endtask

  reg [31:0] got;
  task automatic read(input [7:0] addr);
    begin
      araddr = addr;
      arvalid = 1'b1;
      @(negedge clk);
      arvalid = 1'b0;
      while (!rvalid) @(negedge clk);
      check(rresp === 2'b00, "a read is answered OKAY", 0);
      got = rdata;
      @(negedge clk);
    end
  endtask

  task automatic start(input [31:0] k_tiles, input [31:0] n_tiles);
    begin
      write(MatmulM, 32'd1);
      write(MatmulKTiles, k_tiles);
      write(MatmulNTiles, n_tiles);
      write(MatmulControl, 32'd1 << MatmulControlStart);
    end
  endtask

  // Two tiles, TLAST on the last beats.
  integer codes_left, acts_left;
  task automatic send_two_tiles;
    begin
      codes_left = 2 * Rows;
      acts_left = 2;
      repeat (80) begin
        codes_valid = codes_left != 0;
        codes_last = codes_left == 1;
        acts_valid = acts_left != 0;
        acts_last = acts_left == 1;
        @(posedge clk);
        if (codes_valid && codes_ready) codes_left = codes_left - 1;
        if (acts_valid && acts_ready) acts_left = acts_left - 1;
        @(negedge clk);
      end
      {codes_valid, acts_valid} = 2'b00;
    end
  endtask

  integer b, done;
  reg [47:0] value;
  reg [23:0] tiles;

  initial begin
    repeat (4) @(negedge clk);
    rst_n = 1'b1;
    @(negedge clk);

    // A command that waits for its beats is busy; each read comes a few cycles after the last one.
    start(32'd1, 32'd1);
    for (b = 31; b <= 48; b = b + 1) begin
      value = (48'd1 << b) - 48'd8;  // b = 48: right before the end
      dut.u_registers.cycles_q = value;
      read(MatmulCycles);
      check(got > value[31:0] && got - value[31:0] < 32'd8, "CYCLES before the carry", b);
      read(MatmulCyclesHigh);
      check(got === {16'd0, value[47:32]}, "CYCLES_HIGH before the carry", b);
      repeat (20) @(negedge clk);
      read(MatmulCyclesHigh);
      check(got === {16'd0, value[47:32]}, "CYCLES_HIGH waits for a read of CYCLES", b);
      read(MatmulStatus);
      read(MatmulCyclesHigh);
      check(got === {16'd0, value[47:32]}, "CYCLES_HIGH waits for that read", b);
      value = value + 48'd8;
      read(MatmulCycles);
      check(got >= value[31:0] && got - value[31:0] < 32'd64, "CYCLES behind the carry", b);
      read(MatmulCyclesHigh);
      check(got === {16'd0, value[47:32]}, "CYCLES_HIGH behind the carry", b);
    end
    // It waits for codes; nothing else does.
    for (b = 8; b <= 32; b = b + 1) begin
      value = (48'd1 << b) - 48'd4;
      dut.u_registers.codes_stalls_q       = value[31:0];
      dut.u_registers.activations_stalls_q = value[31:0];
      dut.u_registers.results_stalls_q     = value[31:0];
      repeat (20) @(negedge clk);
      value = value + 48'd4;
      read(MatmulCodesStalls);
      check(got - value[31:0] < 32'd64, "CODES_STALLS behind the carry", b);
      value = value - 48'd4;
      read(MatmulActivationsStalls);
      check(got === value[31:0], "ACTIVATIONS_STALLS stays", b);
      read(MatmulResultsStalls);
      check(got === value[31:0], "RESULTS_STALLS stays", b);
    end

    write(MatmulControl, 32'd1 << MatmulControlSoftReset | 32'd1 << MatmulControlFlush);
    done = 0;
    for (b = 1; b <= 24; b = b + 1) begin
      tiles = b == 24 ? 24'hFF_FFFF : 24'd1 << b;
      start(32'd1, tiles);
      dut.u_core.n_tile_q = tiles - 24'd1;
      send_two_tiles;
      read(MatmulDoneCount);
      done = done + 1;
      check(got === done, "the last N tile ends the command", b);
      start(tiles, 32'd1);
      dut.u_core.k_tile_q = tiles - 24'd1;
      send_two_tiles;
      read(MatmulDoneCount);
      done = done + 1;
      check(got === done, "the last K tile ends the command", b);
      read(MatmulStatus);
      check(got === 32'd1 << MatmulStatusDone, "STATUS behind that", b);
    end
    for (b = 1; b <= 32; b = b + 1) begin
      value = (48'd1 << b) - 48'd1;
      dut.u_registers.done_count_q = value[31:0];
      start(32'd1, 32'd2);
      send_two_tiles;
      value = value + 48'd1;
      read(MatmulDoneCount);
      check(got === value[31:0], "DONE_COUNT behind the carry", b);
    end
    if (errors == 0) $display("PASSED: %0d checks", checks);
    else $display("FAILED: %0d errors", errors);
    $finish;
  end

  initial begin
    #1_000_000 $display("FAILED: it hangs");
    $finish;
  end

endmodule

`default_nettype wire
