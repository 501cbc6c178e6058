//! What is measured.

use bench_load::Call;

use crate::settings::Settings;

/// One load.
pub(crate) struct Cell {
    pub(crate) name: String,
    pub(crate) about: String,
    call: Call,
    callers: usize,
    connections: usize,
    beside: Option<(Call, usize)>,
    open: bool,
}

/// The cells asked for, in a fixed order.
pub(crate) fn all(settings: &Settings) -> Vec<Cell> {
    let small = settings.payload.clone().map_or(Call::Say, Call::File);
    let mut cells = Vec::new();
    for connections in [1, 10] {
        for callers in [1, 16, 100, 500] {
            cells.push(Cell::closed("say", small.clone(), callers, connections));
        }
    }
    let mut open = Cell::closed("open", small.clone(), 100, 10);
    open.open = true;
    open.about = format!("{} calls/s whatever happens, latency from when a call was due", settings.rate);
    cells.push(open);
    cells.push(Cell::closed("64k", Call::Echo(64 << 10), 16, 10));
    cells.push(Cell::closed("1m", Call::Echo(1 << 20), 16, 10));

    let mut burn = Cell::closed("beside-burn", small.clone(), 1, 1);
    burn.about = "small calls beside one that burns 5 ms of CPU, on one connection (the loop handles in place: no yardstick)".to_owned();
    burn.beside = Some((Call::Burn(5), 1));
    cells.push(burn);
    let mut large = Cell::closed("beside-1m", small, 16, 1);
    large.about = "small calls of 16 callers beside 1 MiB echoes of 2, on one connection".to_owned();
    large.beside = Some((Call::Echo(1 << 20), 2));
    cells.push(large);

    let wanted = &settings.cells;
    cells
        .retain(|cell| wanted.is_empty() || wanted.iter().any(|start| cell.name.starts_with(start.as_str())));
    cells
}

impl Cell {
    fn closed(kind: &str, call: Call, callers: usize, connections: usize) -> Self {
        Self {
            name: format!("{kind}-{callers}x{connections}"),
            about: format!("{call}, {callers} callers, {connections} connections"),
            call,
            callers,
            connections,
            beside: None,
            open: false,
        }
    }

    /// The client's command line.
    pub(crate) fn arguments(&self, settings: &Settings) -> Vec<String> {
        let mut arguments = Vec::new();
        let mut flag = |name: &str, value: String| arguments.extend([format!("--{name}"), value]);
        flag("call", self.call.to_string());
        flag("callers", self.callers.to_string());
        flag("connections", self.connections.to_string());
        flag("warmup", settings.warmup.as_secs_f64().to_string());
        flag("seconds", settings.length.as_secs_f64().to_string());
        if let Some((call, callers)) = &self.beside {
            flag("beside", call.to_string());
            flag("beside-callers", callers.to_string());
        }
        if self.open {
            flag("rate", settings.rate.to_string());
        }
        arguments
    }
}

/// The cell where the loop must be so much faster than Go's rpcx for any ratio to count.
pub(crate) const YARDSTICK: &str = "say-100x10";
