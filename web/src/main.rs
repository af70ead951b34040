//! One binary, two lives: on the page it mounts the views, in a Worker it runs the engine.

fn main() {
    if hearth_web::platform::on_page() {
        hearth_web::run_page();
    } else {
        hearth_web::run_engine();
    }
}
