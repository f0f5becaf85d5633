//! Spreadsheets and CSV files as cooperatives and shops bring them.

use crate::system::*;
use chuoi::cli::{Cli, Command as CliCommand};
use chuoi::client::Client;
use chuoi::config::{Key, Settings};
use chuoi::import::{Report, bring};
use clap::Parser as _;
use std::fmt::Write as _;
use std::path::Path;

/// What `chuoi import …` of an organization comes to.
async fn import(system: &System, organization: &str, words: &[&str]) -> Result<Report, String> {
    let cli = Cli::try_parse_from(["chuoi", "import"].iter().chain(words)).expect("a command line");
    let CliCommand::Import(asked) = cli.command else { unreachable!("it is an import") };
    let given = [(Key::Server, format!("http://{}", system.address)), (Key::Organization, organization.to_owned())];
    let settings = Settings::of_process(&given, None).expect("settings");
    let client = Client::connect(settings).await.expect("services");
    bring(&client, &asked).await.map_err(|failure| failure.to_string())
}

fn file(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).expect("a file");
    path.display().to_string()
}

/// Rows that are bad, with the column at fault.
fn faults(report: &Report) -> Vec<(u64, &str)> {
    report.bad.iter().map(|bad| (bad.row, bad.column.as_str())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn five_thousand_rows_of_which_three_are_bad_are_recorded_once() {
    let system = System::start().await;
    let folder = tests::folder();
    let rows = |correct: bool| {
        let mut text = "HỢP TÁC XÃ MẪU;;;\n\nNgày;Cơ sở;Tên hàng;Mã lô;Khối lượng (kg)\n".to_owned();
        for n in 1..=5_000 {
            let (date, product, amount) = match (n, correct) {
                (17, false) => ("20/11/2026", "Rau mống", "12,5"),
                (1_234, false) => ("31/11/2026", "rau muong", "12,5"),
                (4_999, false) => ("20/11/2026", "RAU MUỐNG", "khoảng 12"),
                _ => ("20/11/2026", "Rau muống", "12,5"),
            };
            writeln!(text, "{date};FA1;{product};L{n:04};{amount}").expect("text");
        }
        text
    };
    let path = file(folder.path(), "thu-hoach.csv", &rows(false));
    // Nothing is recorded as long as rows are bad and nobody says otherwise.
    for words in [&["--dry-run"][..], &[]] {
        let report = import(&system, COOP, &[&["harvest", path.as_str(), "--numbers", "vi"], words].concat()).await.unwrap();
        assert_eq!((report.rows, report.accepted, report.bad_rows, report.recorded), (5_000, 4_997, 3, false));
        assert_eq!(faults(&report), [(20, "Tên hàng"), (1_237, "Ngày"), (5_002, "Khối lượng (kg)")]);
        assert_eq!(report.bad[0].value, "Rau mống");
        assert!(report.bad[0].reason.contains("PK1 (Rau muống)"), "{:?}", report.bad[0]);
    }
    assert_eq!(system.stock("FA1", "").await, 0);
    let bad_rows = folder.path().join("sai.csv");
    let bad_rows = bad_rows.to_str().unwrap();
    let report =
        import(&system, COOP, &["harvest", &path, "--numbers", "vi", "--good-only", "--bad-rows", bad_rows]).await.unwrap();
    assert_eq!((report.accepted, report.bad_rows, report.recorded), (4_997, 3, true));
    assert_eq!(system.stock("FA1", &report.position).await, 4_997 * 12_500);
    let written = std::fs::read_to_string(bad_rows).unwrap();
    assert!(written.starts_with("\u{feff}dòng,cột,lý do,Ngày,") && written.lines().count() == 4, "{written}");
    // The corrected file doubles nothing; brought a third time, it changes nothing.
    let path = file(folder.path(), "thu-hoach.csv", &rows(true));
    let report = import(&system, COOP, &["harvest", &path, "--numbers", "vi"]).await.unwrap();
    assert_eq!((report.accepted, report.duplicates, report.bad_rows), (3, 4_997, 0));
    let report = import(&system, COOP, &["harvest", &path]).await.unwrap();
    assert_eq!((report.accepted, report.duplicates), (0, 5_000));
    assert_eq!(system.stock("FA1", &report.position).await, 5_000 * 12_500);
    system.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workbook_of_slips_is_dispatched_received_and_sold() {
    use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};
    let system = System::start().await;
    let folder = tests::folder();
    for code in ["A", "B"] {
        system.record(COOP, "2026-11-20 05:00", harvest(code, 100_000)).await;
    }
    let day = Format::new().set_num_format("dd/mm/yyyy hh:mm");
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    for (column, header) in ["Số phiếu", "Ngày xuất", "Từ kho", "Đến kho", "Mã lô", "SL", "ĐVT"].iter().enumerate()
    {
        sheet.write_string(0, column as u16, *header).unwrap();
    }
    let at = ExcelDateTime::from_ymd(2026, 11, 20).unwrap().and_hms(20, 30, 0).unwrap();
    for (row, (slip, lot, kilograms)) in [("PX-1", "A", 30.5), ("PX-1", "B", 20.0), ("PX-2", "B", 0.3)].into_iter().enumerate() {
        let row = row as u32 + 1;
        sheet.write_string(row, 0, slip).unwrap().write_datetime_with_format(row, 1, &at, &day).unwrap();
        sheet.write_string(row, 2, "FA1").unwrap().write_string(row, 3, "SM1").unwrap().write_string(row, 4, lot).unwrap();
        sheet.write_number(row, 5, kilograms).unwrap().write_string(row, 6, "kg").unwrap();
    }
    let path = folder.path().join("phieu-xuat.xlsx");
    workbook.save(&path).unwrap();
    let report = import(&system, COOP, &["dispatch", path.to_str().unwrap()]).await.unwrap();
    assert_eq!((report.rows, report.commands, report.accepted), (3, 2, 2));
    let shipment = system.shipment("PX-1", &report.position).await;
    assert_eq!(shipment.lines.iter().map(|line| line.sent_milli).sum::<i64>(), 50_500);
    let receipt = file(
        folder.path(),
        "nhan.csv",
        "phiếu,bên giao,ngày\nPX-1,HTX1,21/11/2026\nPX-2,HTX1,21/11/2026\nPX-9,HTX1,21/11/2026\n",
    );
    let report = import(&system, SHOP, &["receive", &receipt, "--good-only"]).await.unwrap();
    assert_eq!((report.accepted, faults(&report)), (2, vec![(4, "phiếu")]));
    assert!(report.bad[0].reason.starts_with("UNKNOWN"), "{:?}", report.bad);
    // A till's day: in one file the same sale twice is two sales, and the file again is none.
    let sold = file(
        folder.path(),
        "ban.csv",
        "ngày,giờ,cửa hàng,sản phẩm,số lượng\n21/11/2026,9h30,SM1,rau muong,\"1,5 kg\"\n21/11/2026,9h30,SM1,rau muong,\"1,5 kg\"\n",
    );
    for (accepted, duplicates) in [(2, 0), (0, 2)] {
        let report = import(&system, SHOP, &["sell", &sold, "--numbers", "vi"]).await.unwrap();
        assert_eq!((report.accepted, report.duplicates), (accepted, duplicates), "{:?}", report.bad);
    }
    assert_eq!(system.stock("SM1", &import(&system, SHOP, &["sell", &sold]).await.unwrap().position).await, 50_800 - 3_000);
    // A file that means more than is there is refused whole, and says at which row.
    let sold = file(folder.path(), "ban2.csv", "ngày,cửa hàng,lô,số lượng\n22/11/2026,SM1,A,20 kg\n22/11/2026,SM1,A,20 kg\n");
    let report = import(&system, SHOP, &["sell", &sold]).await.unwrap();
    assert_eq!((report.accepted, faults(&report), report.recorded), (1, vec![(3, "")], false));
    assert!(report.bad[0].reason.starts_with("NOT_ENOUGH"), "{:?}", report.bad);
    system.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_file_cannot_be_read_as_is_said_before_anything_is_sent() {
    let system = System::start().await;
    let folder = tests::folder();
    for (text, words, said) in [
        ("a,b\n1,2\n", &["harvest"][..], "no header found"),
        ("Ngày,Cơ sở,Tên hàng,Mã lô\n", &["harvest"], "no column says \"số lượng\" (quantity)"),
        ("Ngày,Cơ sở,Tên hàng,Mã lô,SL,KL\n", &["harvest"], "both say quantity"),
        ("Ngày,Cơ sở,Tên hàng,Mã lô,SL\n", &["harvest", "--map", "SL=much"], "no field"),
    ] {
        let path = file(folder.path(), "a.csv", text);
        let refused = import(&system, COOP, &[&words[..1], &[path.as_str()], &words[1..]].concat()).await.unwrap_err();
        assert!(refused.contains(said), "{refused}");
    }
    let path = file(folder.path(), "b.csv", "Ngày,Cơ sở,Tên hàng,Mã lô,SL,Kệ\n20/11/2026,FA1,PK1,L1,\"1.379\",3\n");
    let report = import(&system, COOP, &["harvest", &path]).await.unwrap();
    assert!(report.bad[0].reason.contains("--numbers"), "{:?}", report.bad);
    assert_eq!(report.unknown_columns, ["Kệ"]);
    let sites = file(
        folder.path(),
        "diem-ban.csv",
        "Ngày,Mã,Tên,Loại,Chủ cơ sở,Quận\n01/01/2026,GS1,Cửa hàng Mẫu,cửa hàng,DV1,001\n01/01/2026,GS2,Cửa hàng Mẫu 2,quầy,DV1,001\n",
    );
    let report = import(&system, AUTHORITY, &["sites", &sites, "--good-only"]).await.unwrap();
    assert_eq!((report.accepted, faults(&report)), (1, vec![(3, "Loại")]));
    assert!(report.bad[0].reason.contains("siêu thị"), "{:?}", report.bad);
}

/// What an office keeps in spreadsheets: certificates, OCOP scores, closed sites; and a shop its orders.
#[tokio::test(flavor = "multi_thread")]
async fn an_office_s_tables_are_registered_and_a_shop_s_orders_placed() {
    let system = System::start().await;
    let folder = tests::folder();
    let certificates = file(
        folder.path(),
        "chung-nhan.csv",
        "ngày cấp,loại,số,đơn vị chủ trì,cơ quan cấp,sản phẩm,hiệu lực đến\n\
         1/2/2024,VietGAP,VG-01,HTX1,Chi cục QLCL,PK1,31/01/2026\n\
         1/2/2024,hữu cơ,HC-7,HTX1,Chi cục QLCL,,31/01/2023\n\
         1/2/2024,sạch,X-1,HTX1,Chi cục QLCL,,\n\
         1/2/2024,đủ điều kiện ATTP,AT-3,HTX9,Chi cục QLCL,,\n",
    );
    let words = ["certificates", certificates.as_str(), "--good-only", "--map", "ngày cấp=date"];
    let report = import(&system, AUTHORITY, &words).await.unwrap();
    assert_eq!((report.accepted, report.bad_rows), (1, 3));
    assert_eq!(faults(&report), [(3, "hiệu lực đến"), (4, "loại"), (5, "đơn vị chủ trì")]);
    let dossiers = file(folder.path(), "ho-so.csv", "ngày,số hồ sơ,tổ chức,mã sản phẩm,quận huyện\n1/5/2021,OC-1,HTX1,PK1,001\n");
    assert_eq!(import(&system, AUTHORITY, &["ocop-products", &dossiers]).await.unwrap().accepted, 1);
    let grades = file(
        folder.path(),
        "diem.csv",
        "ngày,số hồ sơ,điểm A,điểm B,điểm C,cấp,số quyết định\n\
         20/12/2021,OC-1,\"30,5\",20,\"39,00\",thành phố,QĐ-1\n\
         20/12/2021,OC-1,\"30,555\",20,39,thành phố,QĐ-2\n",
    );
    let words = ["ocop-grades", grades.as_str(), "--numbers", "vi", "--good-only"];
    let report = import(&system, AUTHORITY, &words).await.unwrap();
    assert_eq!((report.accepted, faults(&report)), (1, vec![(3, "điểm A")]));
    let standings =
        file(folder.path(), "dong-cua.csv", "ngày,cơ sở,tình trạng,đến ngày,lý do\n1/3/2024,SM2,đóng cửa,,sửa chữa\n");
    assert_eq!(import(&system, AUTHORITY, &["site-standings", &standings]).await.unwrap().accepted, 1);
    let orders = file(
        folder.path(),
        "don-hang.csv",
        "số đơn hàng,ngày,cửa hàng,chuỗi,hạn giao,sản phẩm,số lượng\n\
         D-1,2/3/2024,SM1,CH1,4/3/2024,rau muong,30 kg\n\
         D-2,2/3/2024,SM2,CH1,4/3/2024,rau muong,30 kg\n",
    );
    let report = import(&system, SHOP, &["orders", &orders, "--good-only"]).await.unwrap();
    assert_eq!((report.accepted, report.bad_rows), (1, 1));
    assert!(report.bad[0].reason.starts_with("SITE_CLOSED"), "{:?}", report.bad);
    // Brought again, nothing is doubled.
    let report = import(&system, SHOP, &["orders", &orders, "--good-only"]).await.unwrap();
    assert_eq!((report.accepted, report.duplicates), (0, 1));
    assert_eq!(system.verify().await.differences, []);
}
